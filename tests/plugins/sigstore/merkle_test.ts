import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { includes, leafHash } from "../../../plugins/sigstore/merkle.ts";

function node(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash("sha256").update(Buffer.of(1)).update(left).update(right).digest();
}

/** The largest power of two below a size. */
function split(size: number): number {
  return 2 ** Math.floor(Math.log2(size - 1));
}

/** MTH of RFC 6962 2.1, as the text has it. */
function root(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0]!;
  const at = split(leaves.length);
  return node(root(leaves.slice(0, at)), root(leaves.slice(at)));
}

/** PATH of RFC 6962 2.1.1, as the text has it. */
function path(index: number, leaves: readonly Uint8Array[]): readonly Uint8Array[] {
  if (leaves.length === 1) return [];
  const at = split(leaves.length);
  return index < at
    ? [...path(index, leaves.slice(0, at)), root(leaves.slice(at))]
    : [...path(index - at, leaves.slice(at)), root(leaves.slice(0, at))];
}

const LEAVES = Array.from({ length: 70 }, (_, index) => leafHash(Buffer.from(`entry ${index}`)));

test("includes() accepts the proof of every leaf in trees of 1 to 70 leaves", () => {
  for (let size = 1; size <= LEAVES.length; size++) {
    const leaves = LEAVES.slice(0, size);
    for (const [index, leaf] of leaves.entries()) {
      assert.ok(includes(root(leaves), size, index, leaf, path(index, leaves)), `${index}/${size}`);
    }
  }
});

test("includes() refuses proofs for another index, size, leaf or root", () => {
  for (const size of [1, 2, 3, 7, 8, 9, 33, 64]) {
    const leaves = LEAVES.slice(0, size);
    for (const [index, leaf] of leaves.entries()) {
      const proof = path(index, leaves);
      const other = LEAVES[LEAVES.length - 1]!;
      assert.ok(!includes(root(leaves), size, index, other, proof));
      assert.ok(!includes(other, size, index, leaf, proof));
      for (const wrong of [index - 1, index + 1, size, size + 1].filter((each) => each >= 0)) {
        assert.ok(
          !includes(root(leaves), size, wrong, leaf, proof),
          `${wrong} for ${index}/${size}`,
        );
      }
      assert.ok(!includes(root(leaves), size * 4, index, leaf, proof), `${index} of ${size * 4}`);
    }
  }
});

test("includes() refuses proofs with a hash more, less, changed or moved", () => {
  const leaves = LEAVES.slice(0, 23);
  const [top, stray] = [root(leaves), Buffer.alloc(32)];
  for (const [index, leaf] of leaves.entries()) {
    const proof = path(index, leaves);
    const accepts = (hashes: readonly Uint8Array[]) => includes(top, 23, index, leaf, hashes);
    assert.ok(!accepts([...proof, stray]));
    assert.ok(!accepts([stray, ...proof]));
    assert.ok(!accepts(proof.slice(1)));
    assert.ok(!accepts(proof.slice(0, -1)));
    assert.ok(!accepts(proof.toReversed()));
    for (const at of proof.keys()) assert.ok(!accepts(proof.with(at, stray)));
  }
});

test("includes() refuses an empty tree and counts beyond 32 bits", () => {
  assert.ok(!includes(LEAVES[0]!, 0, 0, LEAVES[0]!, []));
  // In a perfect tree of 2^40 leaves, all on the path below being known, the index decides the sides.
  const siblings = Array.from({ length: 40 }, (_, index) => leafHash(Buffer.of(index)));
  const index = 2 ** 39 + 5;
  let top: Uint8Array = LEAVES[0]!;
  for (const [level, sibling] of siblings.entries()) {
    const right = Math.floor(index / 2 ** level) % 2 === 1;
    top = right ? node(sibling, top) : node(top, sibling);
  }
  assert.ok(includes(top, 2 ** 40, index, LEAVES[0]!, siblings));
  assert.ok(!includes(top, 2 ** 40, 5, LEAVES[0]!, siblings));
});
