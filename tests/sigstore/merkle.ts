/** A Merkle tree (RFC 6962 2.1) that only grows. */

import { Buffer } from "node:buffer";
import { sha256 } from "./keys.ts";

/** Shows that a leaf is in a tree. */
export type InclusionProof = {
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  /** From the leaf's sibling upwards. */
  readonly hashes: readonly Buffer[];
};

/** The tree. */
export class MerkleTree {
  readonly #leaves: Buffer[] = [];

  /** Appends a leaf and gives its index. */
  append(leaf: Uint8Array): number {
    return this.#leaves.push(leafHash(leaf)) - 1;
  }

  /** Shows that a leaf is in the tree as it is now. */
  prove(index: number): InclusionProof {
    const leaves = this.#leaves;
    return { index, size: leaves.length, root: head(leaves), hashes: path(index, leaves) };
  }
}

/** Hash of a leaf. */
export function leafHash(leaf: Uint8Array): Buffer {
  return sha256(Buffer.of(0), leaf);
}

/** RFC 6962 2.1: the tree's head. */
function head(leaves: readonly Buffer[]): Buffer {
  const [only] = leaves;
  if (!only) return sha256();
  if (leaves.length === 1) return only;
  const split = largestPowerBelow(leaves.length);
  return sha256(Buffer.of(1), head(leaves.slice(0, split)), head(leaves.slice(split)));
}

/** RFC 6962 2.1.1: the audit path. */
function path(index: number, leaves: readonly Buffer[]): readonly Buffer[] {
  if (leaves.length <= 1) return [];
  const split = largestPowerBelow(leaves.length);
  const left = leaves.slice(0, split);
  const right = leaves.slice(split);
  return index < split
    ? [...path(index, left), head(right)]
    : [...path(index - split, right), head(left)];
}

function largestPowerBelow(size: number): number {
  let power = 1;
  while (power * 2 < size) power *= 2;
  return power;
}
