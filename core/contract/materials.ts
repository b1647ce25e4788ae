/** Verification material that nobody's signature can be verified with. */

import type { VerificationMaterial } from "../bundle.ts";

/**
 * Hostile material of every kind: empty, cut, nested deeper than any stack, large, and the given material damaged.
 *
 * @param damages in how many places a certificate is changed
 */
export function hostileMaterials(
  material: VerificationMaterial,
  damages: number,
): readonly VerificationMaterial[] {
  const blobs = [
    new Uint8Array(),
    Uint8Array.of(0),
    Uint8Array.of(0x30, 0x80),
    Uint8Array.of(0x30, 0x84, 0xff, 0xff, 0xff, 0xff),
    // Elements within elements, deeper than any stack.
    new Uint8Array(200_000).fill(0x30),
    nested(60_000),
    new Uint8Array(2 * 1024 * 1024).fill(0x41),
    ...damagedCertificates(material, damages),
  ];
  return [
    { kind: "public-key", hint: "" },
    { kind: "public-key", hint: "0".repeat(64) },
    { kind: "public-key", hint: "\u001b[2J\u202e" },
    ...blobs.map((blob) => ({ kind: "certificate", certificate: blob }) as const),
    ...blobs.map((blob) => ({ kind: "certificate-chain", certificates: [blob] }) as const),
    { kind: "certificate-chain", certificates: [blobs[0]!, ...blobs] },
  ];
}

/** A good certificate with one byte changed here and there, and cut. */
function damagedCertificates(
  material: VerificationMaterial,
  damages: number,
): readonly Uint8Array[] {
  if (material.kind === "public-key") return [];
  const good = material.kind === "certificate" ? material.certificate : material.certificates[0];
  const step = Math.max(1, Math.floor(good.length / damages));
  const damaged: Uint8Array[] = [good.subarray(0, -1), Uint8Array.of(...good, 0)];
  for (let index = 0; index < good.length; index += step) damaged.push(flipped(good, index));
  return damaged;
}

/** Sequences in each other, each with a right length. */
function nested(depth: number): Uint8Array {
  const bytes = new Uint8Array(depth * 5);
  for (let level = 0; level < depth; level++) {
    const length = bytes.length - (level + 1) * 5;
    bytes.set([0x30, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff], level * 5);
  }
  return bytes;
}

/** A copy with one bit changed. */
export function flipped(bytes: Uint8Array, index: number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[index]! ^= 1;
  return copy;
}
