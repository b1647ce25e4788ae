/** What a Sigstore signature is over. */

import { Buffer } from "node:buffer";
import { constants, createHash, type KeyObject, publicDecrypt } from "node:crypto";
import { pae } from "../../core/dsse.ts";
import { keyAlgorithm, verifyBytes } from "../../core/keys.ts";
import { encode, encodeOid, encodeSequence, TAG } from "../_der/mod.ts";
import { verifyEcDigest, verifyEd25519ph } from "../_envelope/mod.ts";

/** Digests that logs and bundles name. */
export type DigestName = "sha256" | "sha384" | "sha512";

/** A signature and what it is over. */
export interface SignedContent {
  readonly signature: Uint8Array;
  /** Digest of the bytes that were signed: an envelope's pre-authentication encoding, or the message. */
  digest(name: DigestName): Uint8Array | undefined;
  /** Digest of an envelope's payload; undefined for a message. */
  payloadDigest(name: DigestName): Uint8Array | undefined;
  /** Whether the key's owner made the signature. */
  isSignedBy(key: KeyObject): Promise<boolean>;
}

/** A DSSE envelope. */
export function envelopeContent(
  envelope: {
    readonly payloadType: string;
    readonly payload: Uint8Array;
    readonly signature: Uint8Array;
  },
): SignedContent {
  const { payload, payloadType, signature } = envelope;
  // Made once, when needed: it is as long as the payload.
  let encoded: Uint8Array | undefined;
  const signed = () => encoded ??= pae(payloadType, payload);
  return {
    signature,
    digest: digestsOf(signed),
    payloadDigest: digestsOf(() => payload),
    isSignedBy: (key) => Promise.resolve(verifyBytes(key, signed(), signature)),
  };
}

/** A message: any bytes, signed as they are. */
export function messageContent(bytes: Uint8Array, signature: Uint8Array): SignedContent {
  return {
    signature,
    digest: digestsOf(() => bytes),
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

/** Digests, each made once: 32 log entries may ask for one, and a payload of 190 MB takes 0.2 s each time. */
function digestsOf(bytes: () => Uint8Array): (name: DigestName) => Uint8Array {
  const made = new Map<DigestName, Uint8Array>();
  return (name) => {
    let digest = made.get(name);
    if (digest === undefined) made.set(name, digest = digestOf(name, bytes()));
    return digest;
  };
}

/** Digest of bytes. */
export function digestOf(name: DigestName, bytes: Uint8Array): Uint8Array {
  return createHash(name).update(bytes).digest();
}
