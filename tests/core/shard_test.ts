import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  DEFAULT_SHARD_SIZE,
  parseShardName,
  shardName,
  shardRanges,
  tilingProblem,
} from "../../core/shard.ts";

test("shardRanges() cuts at multiples of the shard size", () => {
  const ranges = (size: number) =>
    [...shardRanges(size, 10)].map(({ start, end }) => `${start}-${end}`);
  assert.deepEqual(ranges(0), []);
  assert.deepEqual(ranges(1), ["0-1"]);
  assert.deepEqual(ranges(9), ["0-9"]);
  assert.deepEqual(ranges(10), ["0-10"]);
  assert.deepEqual(ranges(11), ["0-10", "10-11"]);
  assert.deepEqual(ranges(20), ["0-10", "10-20"]);
});

test("shardRanges() is lazy", () => {
  const first = shardRanges(Number.MAX_SAFE_INTEGER, 1).next();
  assert.deepEqual(first.value, { start: 0, end: 1 });
});

test("shardRanges() ends at the largest size", () => {
  const ranges = [...shardRanges(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1)];
  assert.deepEqual(ranges.at(-1), {
    start: Number.MAX_SAFE_INTEGER - 1,
    end: Number.MAX_SAFE_INTEGER,
  });
});

test("the default shard size is that of the format", () => {
  assert.equal(DEFAULT_SHARD_SIZE, 1_000_000_000);
});

test("parseShardName() takes names apart from the right", () => {
  assert.deepEqual(parseShardName("a/b.bin:0:10"), { path: "a/b.bin", start: 0, end: 10 });
  assert.deepEqual(parseShardName("a:1:2:3:4"), { path: "a:1:2", start: 3, end: 4 });
  assert.deepEqual(parseShardName("::0:1"), { path: ":", start: 0, end: 1 });
  assert.deepEqual(parseShardName("a\n:0:1"), { path: "a\n", start: 0, end: 1 });
  assert.deepEqual(parseShardName(`a:0:${Number.MAX_SAFE_INTEGER}`), {
    path: "a",
    start: 0,
    end: Number.MAX_SAFE_INTEGER,
  });
});

for (
  const name of [
    "",
    ":",
    "::",
    "a",
    "a:0",
    "a:0:",
    "a::1",
    ":0:1",
    "a:1:1",
    "a:2:1",
    "a:00:1",
    "a:0:01",
    "a:-1:1",
    "a:+0:1",
    "a:0:1.0",
    "a:0:1e3",
    "a:0:0x10",
    "a:0: 1",
    "a:0:1 ",
    "a:0:1\n",
    "a:0:١",
    `a:0:${Number.MAX_SAFE_INTEGER + 1}`,
    "a:0:99999999999999999999",
  ]
) {
  test(`parseShardName() refuses ${JSON.stringify(name)}`, () => {
    assert.equal(parseShardName(name), undefined);
  });
}

test("parseShardName() reads what shardName() writes", () => {
  fc.assert(fc.property(
    fc.string({ minLength: 1 }),
    fc.maxSafeNat(),
    fc.maxSafeNat(),
    (path, a, b) => {
      fc.pre(a !== b);
      const range = { start: Math.min(a, b), end: Math.max(a, b) };
      assert.deepEqual(parseShardName(shardName(path, range)), { path, ...range });
    },
  ));
});

test("tilingProblem() finds nothing in what shardRanges() gives", () => {
  fc.assert(fc.property(fc.nat(1000), fc.integer({ min: 1, max: 1000 }), (size, shardSize) => {
    assert.equal(tilingProblem(shardRanges(size, shardSize), shardSize), undefined);
  }));
});

const BAD_TILINGS: Readonly<Record<string, readonly (readonly [start: number, end: number])[]>> = {
  "a gap at the start": [[10, 20]],
  "a gap between": [[0, 10], [20, 30]],
  "a gap of one byte": [[0, 10], [11, 20]],
  "an overlap": [[0, 10], [9, 19]],
  "a shard twice": [[0, 10], [0, 10]],
  "a short shard before the last": [[0, 9], [9, 19]],
  "a long shard": [[0, 11]],
  "a long last shard": [[0, 10], [10, 21]],
  "an empty shard": [[0, 10], [10, 10]],
  "a reversed shard": [[0, 10], [10, 5]],
};

for (const [what, pairs] of Object.entries(BAD_TILINGS)) {
  test(`tilingProblem() finds ${what}`, () => {
    const ranges = pairs.map(([start, end]) => ({ start, end }));
    assert.equal(typeof tilingProblem(ranges, 10), "string");
  });
}
