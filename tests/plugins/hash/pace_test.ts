import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace, type Way } from "../../../plugins/hash/pace.ts";

/** Times as pieces of 256 KiB took them on a virtual machine, in ms. */
const HASHING = 0.15;
const CACHED = 0.06;
const CACHED_IN_NEW_MEMORY = 0.7;
const DIRECT = 0.25;
const DIRECT_ON_A_SLOW_DISK = 5;

test("Pace stays with the page cache while that is quicker than hashing", () => {
  const pace = new Pace();
  assert.deepEqual(ways(pace, 1000, () => CACHED), { cached: 1000 });
});

test("Pace leaves the page cache where memory has to be found, from the start or later", () => {
  for (const quick of [0, 500]) {
    const pace = new Pace();
    ways(pace, quick, () => CACHED);
    const { cached = 0, direct = 0 } = ways(
      pace,
      1000,
      (way) => way === "cached" ? CACHED_IN_NEW_MEMORY : DIRECT,
    );
    assert.ok(cached > 0 && cached < 10, `${cached} pieces through the page cache`);
    assert.equal(cached + direct, 1000);
  }
});

test("Pace comes back to the page cache from a slow disk, and tries that seldom", () => {
  const pace = new Pace();
  const slow = (way: Way) => way === "cached" ? CACHED_IN_NEW_MEMORY : DIRECT_ON_A_SLOW_DISK;
  const { direct: first = 0 } = ways(pace, 200, slow);
  assert.ok(first > 0 && first < 100, `${first} pieces past the page cache`);
  assert.equal(pace.way, "cached");
  const { direct: later = 0 } = ways(pace, 100_000, slow);
  assert.ok(later > 0 && later < 1000, `${later} pieces past the page cache`);
});

test("Pace begins each file with the page cache", () => {
  const pace = new Pace();
  ways(pace, 10, () => CACHED_IN_NEW_MEMORY);
  assert.equal(pace.way, "direct");
  pace.begin();
  assert.deepEqual(ways(pace, 100, () => CACHED), { cached: 100 });
});

test("Pace does not change for a hitch of the machine or a pause of the disk", () => {
  const pace = new Pace();
  const hitch = (_: Way, index: number) => index % 10 === 5 ? 30 : CACHED;
  assert.deepEqual(ways(pace, 1000, hitch), { cached: 1000 });
  ways(pace, 10, () => CACHED_IN_NEW_MEMORY);
  const pause = (_: Way, index: number) => index % 100 < 4 ? 30 : DIRECT;
  assert.deepEqual(ways(pace, 1000, pause), { direct: 1000 });
});

test("Pace does not choose by a clock that stands still", () => {
  const pace = new Pace();
  for (let index = 0; index < 100; index++) pace.took(1, 0);
  assert.equal(pace.way, "cached");
});

test("Pace.settle() leaves no choice", () => {
  const pace = new Pace();
  pace.settle();
  assert.deepEqual(ways(pace, 100, () => CACHED_IN_NEW_MEMORY), { cached: 100 });
});

/** How many of so many pieces went each way. */
function ways(pace: Pace, pieces: number, time: (way: Way, index: number) => number) {
  const counts: Partial<Record<Way, number>> = {};
  for (let index = 0; index < pieces; index++) {
    const { way } = pace;
    counts[way] = (counts[way] ?? 0) + 1;
    pace.took(time(way, index), HASHING);
  }
  return counts;
}
