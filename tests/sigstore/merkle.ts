/** The Merkle tree of a log (RFC 6962 2.1). */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { sha256 } from "./keys.ts";

/** Shows that a leaf is in a tree. */
export type InclusionProof = {
  readonly index: number;
  readonly size: number;
  readonly root: Buffer;
  /** From the leaf's sibling upwards. */
  readonly hashes: readonly Buffer[];
};

/** Entries of others that are there from the start. */
const EARLIER_ENTRIES = 11;

/** Entries of others that arrive after each one of ours, before the tree is signed. */
const LATER_ENTRIES = 2;

/** The tree of a log that others use at the same time, so that proofs have siblings on both sides. */
export class BusyTree {
  readonly #leaves: Buffer[] = [];

  constructor() {
    this.#appendOthers(EARLIER_ENTRIES);
  }

  /** Appends a leaf and gives its index. */
  append(leaf: Uint8Array): number {
    const index = this.#leaves.push(leafHash(leaf)) - 1;
    this.#appendOthers(LATER_ENTRIES);
    return index;
  }

  /** Shows that a leaf is in the tree as it is now. */
  prove(index: number): InclusionProof {
    const leaves = this.#leaves;
    return { index, size: leaves.length, root: head(leaves), hashes: path(index, leaves) };
  }

  #appendOthers(count: number): void {
    for (let each = 0; each < count; each++) this.#leaves.push(leafHash(randomBytes(64)));
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
