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

test("Pace comes back to the page cache from a slow disk, and stays", () => {
  const pace = new Pace();
  const { direct = 0 } = ways(
    pace,
    1000,
    (way) => way === "cached" ? CACHED_IN_NEW_MEMORY : DIRECT_ON_A_SLOW_DISK,
  );
  assert.ok(direct > 0 && direct < 10, `${direct} pieces past the page cache`);
  assert.equal(pace.way, "cached");
});

test("Pace does not change for a hitch", () => {
  const pace = new Pace();
  const hitch = (usual: number) => (_: Way, index: number) => index % 10 === 5 ? 100 : usual;
  assert.deepEqual(ways(pace, 1000, hitch(CACHED)), { cached: 1000 });
  ways(pace, 10, () => CACHED_IN_NEW_MEMORY);
  assert.deepEqual(ways(pace, 1000, hitch(DIRECT)), { direct: 1000 });
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
