/** Messages of Sigstore: any bytes, signed as they are. Models are signed in envelopes. */

import { Buffer } from "node:buffer";
import { constants, createHash, type KeyObject, publicDecrypt } from "node:crypto";
import { keyAlgorithm, verifyBytes } from "../../core/keys.ts";
import { encode, encodeOid, encodeSequence, TAG } from "../../plugins/_der/mod.ts";
import { verifyEcDigest, verifyEd25519ph } from "../../plugins/_envelope/uncommon.ts";
import type { SignedContent } from "../../plugins/sigstore/content.ts";

/** A message whose bytes are at hand. */
export function messageContent(bytes: Uint8Array, signature: Uint8Array): SignedContent {
  return {
    signature,
    digest: (name) => createHash(name).update(bytes).digest(),
    payloadDigest: () => undefined,
    async isSignedBy(key) {
      if (verifyBytes(key, bytes, signature)) return true;
      // What logs of hashes take from Ed25519 keys.
      return key.asymmetricKeyType === "ed25519" && await verifyEd25519ph(key, bytes, signature);
    },
  };
}

/** A message of which only the SHA-256 is at hand. Keys that sign another digest cannot be verified with. */
export function digestContent(sha256: Uint8Array, signature: Uint8Array): SignedContent {
  return {
    signature,
    digest: (name) => name === "sha256" ? sha256 : undefined,
    payloadDigest: () => undefined,
    async isSignedBy(key) {
      const found = keyAlgorithm(key);
      if (!("algorithm" in found) || found.algorithm.digest !== "sha256") return false;
      return key.asymmetricKeyType === "rsa"
        ? verifyRsaDigest(key, sha256, signature)
        : await verifyEcDigest(key, sha256, signature);
    },
  };
}

/** RSASSA-PKCS1-v1_5 (RFC 8017 8.2.2) over a SHA-256 digest. */
function verifyRsaDigest(key: KeyObject, sha256: Uint8Array, signature: Uint8Array): boolean {
  const algorithm = encodeSequence(encodeOid("2.16.840.1.101.3.4.2.1"), encode(TAG.null));
  const expected = encodeSequence(algorithm, encode(TAG.octetString, sha256));
  try {
    const padding = constants.RSA_PKCS1_PADDING;
    return Buffer.compare(publicDecrypt({ key, padding }, signature), expected) === 0;
  } catch {
    // A signature that is no block of the right form is an exception here.
    return false;
  }
}
