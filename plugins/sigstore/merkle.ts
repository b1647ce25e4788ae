/** Merkle trees of transparency logs (RFC 6962 2.1). */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** Hash of a leaf: what an entry is in the tree. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256(Buffer.of(0), entry);
}

/**
 * Whether a leaf is at `index` in the tree of `size` leaves with this root (RFC 9162 2.1.3.2).
 *
 * @param path hashes of the siblings, from the leaf upwards
 */
export function includes(
  root: Uint8Array,
  size: number,
  index: number,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): boolean {
  if (index >= size) return false;
  let [node, last, hash] = [index, size - 1, leaf];
  for (const sibling of path) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      hash = sha256(Buffer.of(1), sibling, hash);
      // A node without a right sibling moves up unchanged. Sizes exceed 32 bits, so no shifts.
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else hash = sha256(Buffer.of(1), hash, sibling);
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && Buffer.compare(hash, root) === 0;
}

function half(number: number): number {
  return Math.floor(number / 2);
}

function sha256(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
