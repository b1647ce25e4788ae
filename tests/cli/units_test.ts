import assert from "node:assert/strict";
import { test } from "node:test";
import { clock, humanBytes, parseDuration, parseSize } from "../../cli/units.ts";
import { counted, grouped } from "../../core/mod.ts";

test("parseSize() takes plain bytes and decimal and binary units", () => {
  assert.equal(parseSize("1000"), 1000);
  assert.equal(parseSize("128MiB"), 134_217_728);
  assert.equal(parseSize("128 mib"), 134_217_728);
  assert.equal(parseSize("1GB"), 1e9);
  assert.equal(parseSize("2kB"), 2000);
});

test("parseSize() refuses what could be read in two ways", () => {
  for (const text of ["", "1M", "1.5MiB", "-1", "1e3", "0x10", "1 2", " 1", "MiB", "1_000"]) {
    assert.equal(parseSize(text), undefined, text);
  }
});

test("parseDuration() takes seconds and hours, minutes and seconds", () => {
  assert.equal(parseDuration("30"), 30_000);
  assert.equal(parseDuration("30s"), 30_000);
  assert.equal(parseDuration("3m"), 180_000);
  assert.equal(parseDuration("1h30m"), 5_400_000);
});

test("parseDuration() refuses other texts and times that a timer cannot hold", () => {
  for (const text of ["", "s", "3m1h", "1.5h", "-1", "1d", "3 m", "600h"]) {
    assert.equal(parseDuration(text), undefined, text);
  }
});

test("humanBytes() keeps three digits at every boundary", () => {
  assert.equal(humanBytes(0), "0 bytes");
  assert.equal(humanBytes(1), "1 byte");
  assert.equal(humanBytes(1023), "1,023 bytes");
  assert.equal(humanBytes(1024), "1.00 KiB");
  assert.equal(humanBytes(10 * 1024), "10.0 KiB");
  assert.equal(humanBytes(1000 * 1024), "0.98 MiB");
  assert.equal(humanBytes(5 * 2 ** 30), "5.00 GiB");
});

test("counted(), grouped() and clock() read like prose", () => {
  assert.equal(counted(1, "file"), "1 file");
  assert.equal(counted(1234567, "file"), "1,234,567 files");
  assert.equal(grouped(999), "999");
  assert.equal(clock(7), "0:07");
  assert.equal(clock(3723), "1:02:03");
});
