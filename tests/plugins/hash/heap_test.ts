import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { LargestFirst } from "../../../plugins/hash/heap.ts";

test("LargestFirst gives the largest of what it holds", () => {
  // A number is pushed, undefined takes one out.
  fc.assert(fc.property(fc.array(fc.option(fc.nat(20), { nil: undefined })), (steps) => {
    const heap = new LargestFirst<number>((size) => size);
    const model: number[] = [];
    for (const step of steps) {
      if (step === undefined) assert.equal(heap.pop(), model.pop());
      else {
        heap.push(step);
        model.push(step);
        model.sort((a, b) => a - b);
      }
      assert.equal(heap.length, model.length);
    }
  }));
});
