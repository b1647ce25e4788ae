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
  const { p521 } = await import("@noble/curves/nist.js");
  const { x, y } = publicKey.export({ format: "jwk" });
  const point = Buffer.concat([Buffer.of(4), coordinate(x), coordinate(y)]);
  const digest = createHash("sha256").update(bytes).digest();
  return holds(() =>
    // High-S signatures are valid ECDSA; refusing them is a rule of other formats.
    p521.verify(signature, digest, point, { prehash: false, lowS: false, format: "der" })
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

/** P-521 coordinates have 66 bytes; runtimes may leave leading zeros out. */
function coordinate(value: string | undefined): Uint8Array {
  const bytes = Buffer.from(value ?? "", "base64url");
  return Buffer.concat([Buffer.alloc(66 - bytes.length), bytes]);
}

/** The library throws for encodings that are malformed. */
function holds(verify: () => boolean): boolean {
  try {
    return verify();
  } catch {
    return false;
  }
}
