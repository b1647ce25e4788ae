import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { orderProblem } from "../../core/order.ts";
import { compareCodePoints } from "../../core/path.ts";

const PATH = fc.array(fc.constantFrom("a", "a-b", "a.b", "B", "\uffff", "\u{10000}", "10", "9"), {
  minLength: 1,
  maxLength: 3,
}).map((parts) => parts.join("/"));

/** As Python sorts lists of strings: by code point, a list that is a prefix first. */
function pythonOrder(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const left = Array.from(a[index]!, (character) => character.codePointAt(0)!);
    const right = Array.from(b[index]!, (character) => character.codePointAt(0)!);
    for (let at = 0; at < Math.max(left.length, right.length); at++) {
      const difference = (left[at] ?? -1) - (right[at] ?? -1);
      if (difference !== 0) return difference;
    }
  }
  return a.length - b.length;
}

test("orderProblem() accepts names in code point order", () => {
  fc.assert(fc.property(fc.uniqueArray(PATH), (names) => {
    assert.equal(orderProblem(names.toSorted(compareCodePoints), "files"), undefined);
  }));
});

test("orderProblem() accepts names in the order of path parts", () => {
  fc.assert(fc.property(fc.uniqueArray(PATH), (names) => {
    const sorted = names.toSorted((a, b) => pythonOrder(a.split("/"), b.split("/")));
    assert.equal(orderProblem(sorted, "files"), undefined);
  }));
});

test("orderProblem() refuses every other order, and duplicates", () => {
  fc.assert(fc.property(fc.array(PATH, { maxLength: 6 }), (names) => {
    const same = (sorted: readonly string[]) =>
      sorted.every((name, index) => name === names[index]);
    const sorted = same(names.toSorted(compareCodePoints)) ||
      same(names.toSorted((a, b) => pythonOrder(a.split("/"), b.split("/"))));
    const unique = new Set(names).size === names.length;
    const expected = !unique ? "RESOURCE_DUPLICATE" : sorted ? undefined : "RESOURCE_ORDER";
    assert.equal(orderProblem(names, "files")?.code, expected);
  }));
});

test("orderProblem() accepts shards by path parts and number", () => {
  assert.equal(orderProblem(["a/b:0:5", "a/b:5:10", "a/b:10:11", "a-b:0:1"], "shards"), undefined);
  assert.equal(orderProblem(["a/b:5:10", "a/b:0:5"], "shards")?.code, "RESOURCE_ORDER");
  assert.equal(orderProblem(["a:5:10", "a:10:11"], "files")?.code, "RESOURCE_ORDER");
});

test("orderProblem() accepts nothing and one name", () => {
  assert.equal(orderProblem([], "files"), undefined);
  assert.equal(orderProblem(["a"], "shards"), undefined);
});
