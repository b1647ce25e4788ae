import assert from "node:assert/strict";
import { test } from "node:test";
import { failedCheck, skippedCheck } from "../../core/check.ts";
import { NO_COVERAGE } from "../../core/compare.ts";
import { type Issue, ModelSigningError } from "../../core/errors.ts";
import { hintedReport, hintedSource, type Hints, withHints } from "../../core/hint.ts";
import { PathFilter } from "../../core/path_filter.ts";
import type { Entry } from "../../core/source.ts";

const HINTS = { SYMLINKS_REFUSED: "leave it out", FILE_MISSING: "look", USAGE: "read" };

test("hintedReport() gives findings the hint of their code, and keeps those that they have", () => {
  const refused: Issue = { code: "SYMLINKS_REFUSED", message: "no" };
  const missing: Issue = { code: "FILE_MISSING", message: "gone", hint: "restore it" };
  const other: Issue = { code: "FILE_UNSIGNED", message: "new" };
  const skipped = skippedCheck("files");
  const hinted = { ...refused, hint: "leave it out" };
  const base = { files: [], coverage: NO_COVERAGE, timestamps: [], verdict: "rejected" } as const;
  assert.deepEqual(
    hintedReport({
      ...base,
      checks: [failedCheck("symlinks", refused), skipped],
      issues: [refused, missing, other],
    }, HINTS),
    {
      ...base,
      checks: [failedCheck("symlinks", hinted), skipped],
      issues: [hinted, missing, other],
    },
  );
});

test("hintedSource() gives refused entries and stated digests a hint, and keeps those that they have", async () => {
  const issue: Issue = { code: "SYMLINKS_REFUSED", message: "no", path: "a" };
  const own: Issue = { ...issue, hint: "own" };
  const stated = {
    kind: "digest",
    path: "b",
    size: 1,
    algorithm: "sha256",
    digest: "ab".repeat(32),
  } as const;
  const entries: readonly Entry[] = [
    { kind: "refused", path: "a", issue },
    { kind: "refused", path: "a", issue: own },
    { kind: "ignored", path: "c" },
    stated,
    { ...stated, hint: "own" },
  ];
  const source = {
    name: "m",
    singleFile: false,
    ignorePaths: ["c"],
    async *entries() {
      yield* entries;
    },
  };
  const rules = { filter: new PathFilter({ ignorePaths: [] }), allowSymlinks: false };
  const listed = async (hints: Hints) => {
    const hinted = hintedSource(source, hints);
    assert.deepEqual({ ...hinted, entries: source.entries }, source);
    return await Array.fromAsync(hinted.entries(rules, {}));
  };
  assert.deepEqual(await listed({ ...HINTS, ENTRY_UNREADABLE: "read it" }), [
    { kind: "refused", path: "a", issue: { ...issue, hint: "leave it out" } },
    entries[1],
    entries[2],
    { ...stated, hint: "read it" },
    entries[4],
  ]);
  assert.deepEqual(await listed({}), entries);
});

test("withHints() gives faults the hint of their code, and lets everything else through", async () => {
  const issues: readonly Issue[] = [{ code: "FILE_MISSING", message: "gone" }];
  const thrown = async (error: Error) =>
    await withHints(HINTS, () => Promise.reject(error)).catch((caught) => caught);
  const usage = new ModelSigningError("USAGE", "no", { issues });
  const hinted = await thrown(usage);
  assert.ok(hinted instanceof ModelSigningError);
  const { code, message, hint, cause } = hinted;
  assert.deepEqual([code, message, hint, cause], ["USAGE", "no", "read", usage]);
  assert.deepEqual(hinted.issues, issues);
  for (
    const error of [
      new ModelSigningError("USAGE", "no", { hint: "own" }),
      new ModelSigningError("ABORTED", "aborted"),
      new TypeError("x"),
    ]
  ) assert.equal(await thrown(error), error);
  assert.equal(await withHints(HINTS, () => Promise.resolve(1)), 1);
});
