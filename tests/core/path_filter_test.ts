import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ancestors, isAtOrBelow } from "../../core/path.ts";
import { GIT_PATHS, PathFilter, type PathFilterSettings } from "../../core/path_filter.ts";

/** Few letters, so that paths meet. */
const PATH = fc.array(fc.constantFrom("a", "b", "ab", "c"), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join("/"));
const PATHS = fc.uniqueArray(PATH, { maxLength: 6 });

/** Whether a walk that obeys the filter would come to `path` and take it. */
function isTaken(settings: PathFilterSettings, path: string): boolean {
  const filter = new PathFilter(settings);
  let excluded = false;
  for (const ancestor of ancestors(path)) {
    if (filter.decide(ancestor, excluded) === "ignore") return false;
    excluded ||= filter.names(ancestor);
  }
  return filter.decide(path, excluded) === "take";
}

test("decide() takes everything when nothing is excluded", () => {
  assert.equal(new PathFilter({ ignorePaths: [] }).decide("a/b", false), "take");
});

test("decide() ignores an excluded path and what lies below, and nothing else", () => {
  const settings = { ignorePaths: ["a", "b/c"] };
  assert.equal(isTaken(settings, "a"), false);
  assert.equal(isTaken(settings, "a/x/y"), false);
  assert.equal(isTaken(settings, "b/c"), false);
  assert.equal(isTaken(settings, "b/d"), true);
  assert.equal(isTaken(settings, "ab"), true);
  assert.equal(isTaken(settings, "A"), true);
});

test("decide() leaves git paths out at the top only", () => {
  const settings = { ignorePaths: GIT_PATHS };
  assert.equal(isTaken(settings, ".git/HEAD"), false);
  assert.equal(isTaken(settings, ".gitignore"), false);
  assert.equal(isTaken(settings, "sub/.git/HEAD"), true);
  assert.equal(isTaken(settings, ".gitmodules"), true);
});

test("decide() enters an excluded directory for a listed file below", () => {
  const filter = new PathFilter({ ignorePaths: ["a"], listed: new Set(["a/b/c"]) });
  assert.equal(filter.decide("a", false), "enter");
  assert.equal(filter.decide("a/b", true), "enter");
  assert.equal(filter.decide("a/b/c", true), "take");
  assert.equal(filter.decide("a/b/d", true), "ignore");
});

test("decide() matches literally: no globs", () => {
  const filter = new PathFilter({ ignorePaths: ["*", "a?", "[b]", "**/c"] });
  for (const path of ["a", "ab", "b", "c", "x/c"]) assert.equal(filter.decide(path, false), "take");
  assert.equal(filter.decide("*", false), "ignore");
});

test("names() tells excluded from merely unlisted", () => {
  const filter = new PathFilter({ ignorePaths: ["a"], listed: new Set(["b"]), onlyListed: true });
  assert.equal(filter.names("a"), true);
  assert.equal(filter.names("c"), false);
  assert.equal(filter.decide("c", false), "ignore");
});

test("leftOut() names where a path is left out, unless it is listed", () => {
  const listed = new Set(["a/b/c"]);
  const filter = new PathFilter({ ignorePaths: ["a"], listed });
  assert.equal(filter.leftOut("a/x"), "a/x");
  assert.equal(filter.leftOut("a/b/d/e"), "a/b/d");
  assert.equal(filter.leftOut("a/b/c"), undefined);
  assert.equal(filter.leftOut("b/c"), undefined);
  assert.equal(new PathFilter({ ignorePaths: ["a"] }).leftOut("a/b/c"), "a");
  assert.equal(new PathFilter({ ignorePaths: [], listed, onlyListed: true }).leftOut("b"), "b");
});

test("a walk takes exactly what is listed or not excluded", () => {
  fc.assert(
    fc.property(PATHS, PATHS, PATH, (ignorePaths, listed, path) => {
      const excluded = ignorePaths.some((ignored) => isAtOrBelow(path, ignored));
      assert.equal(
        isTaken({ ignorePaths, listed: new Set(listed) }, path),
        listed.includes(path) || !excluded,
      );
    }),
    { numRuns: 2000 },
  );
});

test("a walk takes exactly what is listed when only that counts", () => {
  fc.assert(
    fc.property(PATHS, PATHS, PATH, (ignorePaths, listed, path) => {
      assert.equal(
        isTaken({ ignorePaths, listed: new Set(listed), onlyListed: true }, path),
        listed.includes(path),
      );
    }),
    { numRuns: 2000 },
  );
});
