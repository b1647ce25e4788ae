/** What a Sigstore signature is over. */

import { createHash, type KeyObject } from "node:crypto";
import { pae } from "../../core/dsse.ts";
import { verifyBytes } from "../../core/keys.ts";

/** Digests that logs and bundles name. */
export type DigestName = "sha256" | "sha384" | "sha512";

/** A signature and what it is over. */
export interface SignedContent {
  readonly signature: Uint8Array;
  /** Digest of the bytes that were signed: an envelope's pre-authentication encoding. Undefined when it is not known. */
  digest(name: DigestName): Uint8Array | undefined;
  /** Digest of an envelope's payload; undefined for other content. */
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

/** Digests, each made once: 32 log entries may ask for one, and a payload of 190 MB takes 0.2 s each time. */
function digestsOf(bytes: () => Uint8Array): (name: DigestName) => Uint8Array {
  const made = new Map<DigestName, Uint8Array>();
  return (name) => {
    let digest = made.get(name);
    if (digest === undefined) made.set(name, digest = createHash(name).update(bytes()).digest());
    return digest;
  };
}
