import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { MAX_PATH_BYTES } from "../../core/limits.ts";
import {
  ancestors,
  compareCodePoints,
  isAtOrBelow,
  isAtOrBelowAny,
  pathProblem,
} from "../../core/path.ts";

/** Names with a bias to what matters in paths. */
const NAME = fc.string({
  unit: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom("/", ".", "\\", ":", "\0", "\ufffd", " ", "a", "\ud800"),
    },
    { weight: 2, arbitrary: fc.string({ minLength: 1, maxLength: 1, unit: "binary" }) },
  ),
  maxLength: 12,
});

test("pathProblem() takes canonical relative paths", () => {
  const good = [
    "a",
    "a/b",
    ".a",
    "..a",
    "...",
    "a.",
    " ",
    "a\\b",
    "a:0:5",
    "con",
    "\u{1f600}",
    "a\nb",
  ];
  for (const name of good) assert.equal(pathProblem(name), undefined, name);
});

test("pathProblem() refuses what could leave a directory or has two spellings", () => {
  const bad = [
    ...["", "/", "/a", "a/", "a//b", ".", "./a", "a/.", "a/./b", "..", "../a", "a/../b", "a/.."],
    ...["a\0", "\ufffd", "a/\ufffdb", "\ud800", "a\udc00"],
  ];
  for (const name of bad) assert.notEqual(pathProblem(name), undefined, JSON.stringify(name));
});

test("pathProblem() counts bytes, not characters", () => {
  assert.equal(pathProblem("a".repeat(MAX_PATH_BYTES)), undefined);
  assert.notEqual(pathProblem("a".repeat(MAX_PATH_BYTES + 1)), undefined);
  assert.notEqual(pathProblem("\u00e9".repeat(MAX_PATH_BYTES / 2 + 1)), undefined);
  assert.equal(pathProblem("\u00e9".repeat(MAX_PATH_BYTES / 2)), undefined);
});

test("pathProblem() refuses what Windows reads as another file, when asked", () => {
  const bad = [
    ...["a\\b", "C:", "a:stream", "a?", "a*b", '"', "<", ">", "|", "a\u0001", "a.", "a ", "dir./a"],
    ...["CON", "con", "nul.txt", "NUL .txt", "aux.tar.gz", "COM1", "com¹", "LPT9.x", "CONIN$"],
    ...["sub/prn", "..\\a"],
  ];
  for (const name of bad) {
    assert.notEqual(pathProblem(name, true), undefined, name);
    assert.equal(pathProblem(name), undefined, name);
  }
  const good = ["a", "console", "com", "com10", "nully", ".nul", "a.b", "auxiliary.txt", "lpt"];
  for (const name of good) assert.equal(pathProblem(name, true), undefined, name);
});

test("pathProblem() lets through only names that stay below a directory", () => {
  fc.assert(
    fc.property(NAME, (name) => {
      if (pathProblem(name) !== undefined) return;
      assert.equal(path.posix.join("/m", name), `/m/${name}`);
      assert.equal(path.posix.normalize(name), name);
      assert.equal(Buffer.from(name, "utf8").toString("utf8"), name);
    }),
    { numRuns: 2000 },
  );
});

test("pathProblem() lets through only names that stay below a directory on Windows", () => {
  fc.assert(
    fc.property(NAME, (name) => {
      if (pathProblem(name, true) !== undefined) return;
      const resolved = path.win32.resolve("C:\\m", name);
      assert.equal(resolved, `C:\\m\\${name.replaceAll("/", "\\")}`);
    }),
    { numRuns: 2000 },
  );
});

test("pathProblem() refuses for Windows all that it refuses elsewhere", () => {
  fc.assert(
    fc.property(NAME, (name) => {
      if (pathProblem(name) !== undefined) assert.notEqual(pathProblem(name, true), undefined);
    }),
    { numRuns: 2000 },
  );
});

test("compareCodePoints() is the order of UTF-8 bytes", () => {
  const text = fc.string({ unit: "binary", maxLength: 6 }).filter((value) => value.isWellFormed());
  fc.assert(
    fc.property(text, text, (a, b) => {
      const expected = Buffer.compare(Buffer.from(a, "utf8"), Buffer.from(b, "utf8"));
      assert.equal(Math.sign(compareCodePoints(a, b)), expected);
    }),
    { numRuns: 2000 },
  );
});

test("compareCodePoints() puts U+FFEE before U+1F600", () => {
  const names = ["\u{1f600}", "\u{ffee}", "a"];
  assert.deepEqual(names.toSorted(compareCodePoints), ["a", "\u{ffee}", "\u{1f600}"]);
});

test("isAtOrBelowAny() looks at a path and each of its ancestors", () => {
  const places = new Set(["a/b"]);
  assert.equal(isAtOrBelowAny("a/b", places), true);
  assert.equal(isAtOrBelowAny("a/b/c/d", places), true);
  assert.equal(isAtOrBelowAny("a", places), false);
  assert.equal(isAtOrBelowAny("a/bc", places), false);
});

test("isAtOrBelow() compares whole components", () => {
  assert.equal(isAtOrBelow("a", "a"), true);
  assert.equal(isAtOrBelow("a/b", "a"), true);
  assert.equal(isAtOrBelow("ab", "a"), false);
  assert.equal(isAtOrBelow("a", "a/b"), false);
});

test("ancestors() gives each proper ancestor, nearest last", () => {
  assert.deepEqual([...ancestors("a/b/c")], ["a", "a/b"]);
  assert.deepEqual([...ancestors("a")], []);
});
