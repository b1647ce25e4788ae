/** Signature schemes that the runtimes do not offer. The library is imported only when one is met. */

import { Buffer } from "node:buffer";
import { createHash, type KeyObject } from "node:crypto";

/**
 * Whether an ECDSA signature (DER) with a P-521 key over SHA-256 holds: Deno's `node:crypto` refuses digests
 * shorter than SHA-384 there.
 */
export async function verifyP521Sha256(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  return await verifyEcDigest(publicKey, createHash("sha256").update(bytes).digest(), signature);
}

/** Length of a coordinate in bytes, by OpenSSL's name of the curve. */
const COORDINATES: Readonly<Record<string, number>> = {
  prime256v1: 32,
  secp384r1: 48,
  secp521r1: 66,
};

/**
 * Whether an ECDSA signature (DER) over something of which only the digest is at hand holds. `node:crypto`
 * always hashes. False for keys on other curves than P-256, P-384 and P-521.
 */
export async function verifyEcDigest(
  publicKey: KeyObject,
  digest: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const curve = publicKey.asymmetricKeyDetails?.namedCurve ?? "";
  const length = COORDINATES[curve];
  if (publicKey.asymmetricKeyType !== "ec" || length === undefined) return false;
  const { p256, p384, p521 } = await import("@noble/curves/nist.js");
  const ecdsa = { 32: p256, 48: p384, 66: p521 }[length]!;
  const { x, y } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), coordinate(x, length), coordinate(y, length)]);
  return holds(() =>
    // High-S signatures are valid ECDSA; refusing them is a rule of other formats.
    ecdsa.verify(signature, digest, point, { prehash: false, lowS: false, format: "der" })
  );
}

/** Whether an Ed25519ph signature (RFC 8032 5.1, empty context) holds: what the Go tool writes. */
export async function verifyEd25519ph(
  publicKey: KeyObject,
  bytes: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const { ed25519ph } = await import("@noble/curves/ed25519.js");
  const { x } = publicKey.export({ format: "jwk" });
  // RFC 8032 rather than ZIP 215: no small-order keys, canonical encodings only.
  return holds(() =>
    ed25519ph.verify(signature, bytes, Buffer.from(x ?? "", "base64url"), { zip215: false })
  );
}

/** Runtimes may leave leading zeros out. */
function coordinate(value: string | undefined, length: number): Uint8Array {
  const bytes = Buffer.from(value ?? "", "base64url");
  return Buffer.concat([Buffer.alloc(length - bytes.length), bytes]);
}

/** The library throws for encodings that are malformed. */
function holds(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}
