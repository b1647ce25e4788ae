/** What every {@link ManifestSource} must do, as cases that need no test framework. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { ModelSigningError } from "../errors.ts";
import { DIGEST_LENGTH, HASH_TYPES } from "../hasher.ts";
import type { RunOptions } from "../options.ts";
import { ancestors, compareCodePoints, isAtOrBelow, pathProblem } from "../path.ts";
import { PathFilter, type PathFilterSettings } from "../path_filter.ts";
import type { ByteRange, Entry, EnumerationRules, ManifestSource } from "../source.ts";
import type { ContractCase } from "./case.ts";

type File = Extract<Entry, { kind: "file" }>;
type Content = Extract<Entry, { kind: "file" | "digest" }>;

/** Content is read of this many files, which may each be large. */
const FILES_READ = 16;

/**
 * The suite.
 *
 * @param make opens the same model each time. It must have an entry that is not refused; the more kinds of
 * entries, folders and files larger than one chunk it has, the more the suite sees. It must not change
 * while a case runs.
 */
export function sourceContract(make: () => Promise<ManifestSource>): readonly ContractCase[] {
  const cases:
    readonly (readonly [name: string, check: (source: ManifestSource) => void | Promise<void>])[] =
      [
        ["a source has a name and canonical ignore paths", describesItself],
        ["entries() gives something to sign", isNotEmpty],
        ["entries() gives canonical paths, each once", givesCanonicalPaths],
        ["entries() gives sizes that are whole and not negative", givesSizes],
        ["entries() gives well-formed digests", givesDigests],
        ["entries() gives refused entries with an issue about them", givesIssues],
        ["entries() gives the same again", isRepeatable],
        ["entries() can run twice at once", isReentrant],
        ["entries() can be left early", canBeLeft],
        ["entries() gives one entry for a single file, by the model's name", namesSingleFile],
        ["entries() leaves out what the filter ignores, and names it", obeysIgnorePaths],
        ["entries() leaves out what lies below an ignored path", ignoresSubtrees],
        ["entries() takes a listed path that is ignored", takesListed],
        ["entries() gives only what is listed when told to", obeysOnlyListed],
        ["entries() refuses names that Windows cannot hold when told to", obeysWindowsNames],
        ["entries() ends with ABORTED when the signal has fired", endsWhenAborted],
        ["entries() ends with ABORTED when the signal fires on the way", endsWhenAbortedOnTheWay],
        ["open() gives as many bytes as the size says", givesContent],
        ["open() gives the same bytes again, also at once", givesContentAgain],
        ["open() gives the content that is expected", givesExpected],
        ["open() gives ranges of the content", givesRanges],
        ["open() gives a stream that can be cancelled", canBeCancelled],
      ];
  return cases.map(([name, check]) => ({ name, run: async () => await check(await make()) }));
}

function describesItself(source: ManifestSource): void {
  assert.notEqual(source.name, "");
  assertCanonical(source.ignorePaths);
}

async function isNotEmpty(source: ManifestSource): Promise<void> {
  assert.notEqual((await content(source)).length, 0);
}

async function givesCanonicalPaths(source: ManifestSource): Promise<void> {
  const entries = await list(source);
  // A refused name may be the very reason for the refusal.
  assertCanonical(entries.filter(({ kind }) => kind !== "refused").map(({ path }) => path));
}

async function givesSizes(source: ManifestSource): Promise<void> {
  for (const entry of await content(source)) {
    assert.ok(Number.isSafeInteger(entry.size) && entry.size >= 0, `${entry.path}: ${entry.size}`);
  }
}

async function givesDigests(source: ManifestSource): Promise<void> {
  for (const entry of await list(source)) {
    const stated = entry.kind === "digest"
      ? entry
      : entry.kind === "file"
      ? entry.expected
      : undefined;
    if (stated === undefined) continue;
    assert.ok(HASH_TYPES.includes(stated.algorithm), stated.algorithm);
    assert.match(stated.digest, /^[0-9a-f]*$/);
    assert.equal(stated.digest.length, 2 * DIGEST_LENGTH[stated.algorithm]);
  }
}

async function givesIssues(source: ManifestSource): Promise<void> {
  for (const entry of await list(source)) {
    if (entry.kind !== "refused") continue;
    assert.equal(entry.issue.path, entry.path);
    assert.notEqual(entry.issue.code, "");
    assert.notEqual(entry.issue.message, "");
  }
}

async function isRepeatable(source: ManifestSource): Promise<void> {
  assert.deepEqual(facts(await list(source)), facts(await list(source)));
}

async function isReentrant(source: ManifestSource): Promise<void> {
  const [one, two] = await Promise.all([list(source), list(source)]);
  assert.deepEqual(facts(one), facts(two));
}

async function canBeLeft(source: ManifestSource): Promise<void> {
  const all = await list(source);
  for await (const _ of source.entries(rules(), {})) break;
  assert.deepEqual(facts(await list(source)), facts(all));
}

async function namesSingleFile(source: ManifestSource): Promise<void> {
  if (!source.singleFile) return;
  assert.deepEqual((await list(source)).map(({ path }) => path), [source.name]);
}

async function obeysIgnorePaths(source: ManifestSource): Promise<void> {
  const all = await content(source);
  const { path } = all[0]!;
  const rest = await list(source, { ignorePaths: [path, "no such path"] });
  assert.deepEqual(rest.filter((entry) => entry.path === path), [{ kind: "ignored", path }]);
  assert.equal(rest.some((entry) => entry.path === "no such path"), false);
  assert.deepEqual(
    facts(rest.filter(isContent)),
    facts(all.filter((entry) => entry.path !== path)),
  );
}

async function ignoresSubtrees(source: ManifestSource): Promise<void> {
  const all = await content(source);
  const folder = all.flatMap(({ path }) => [...ancestors(path)])[0];
  if (folder === undefined) return;
  const rest = await list(source, { ignorePaths: [folder] });
  assert.deepEqual(
    rest.filter(({ path }) => isAtOrBelow(path, folder)).map(({ kind }) => kind),
    ["ignored"],
  );
  assert.deepEqual(
    facts(rest.filter(isContent)),
    facts(all.filter(({ path }) => !isAtOrBelow(path, folder))),
  );
}

async function takesListed(source: ManifestSource): Promise<void> {
  const all = await content(source);
  // The deepest, so that folders on the way are ignored too.
  const { path } = all.toSorted((a, b) => depth(b.path) - depth(a.path))[0]!;
  const found = await list(source, {
    ignorePaths: [...ancestors(path), ...all.map((entry) => entry.path)],
    listed: new Set([path]),
  });
  assert.deepEqual(found.filter(isContent).map((entry) => entry.path), [path]);
}

async function obeysOnlyListed(source: ManifestSource): Promise<void> {
  const all = await content(source);
  const wanted = all.filter((_, index) => index % 2 === 0);
  const found = await list(source, {
    ignorePaths: [],
    listed: new Set([...wanted.map(({ path }) => path), "no such path"]),
    onlyListed: true,
  });
  assert.deepEqual(facts(found), facts(wanted));
}

async function obeysWindowsNames(source: ManifestSource): Promise<void> {
  for await (const entry of source.entries({ ...rules(), windowsNames: true }, {})) {
    if (entry.kind !== "refused") assert.equal(pathProblem(entry.path, true), undefined);
  }
}

async function endsWhenAborted(source: ManifestSource): Promise<void> {
  await assertAborted(list(source, { ignorePaths: [] }, { signal: AbortSignal.abort() }));
}

async function endsWhenAbortedOnTheWay(source: ManifestSource): Promise<void> {
  const total = (await list(source)).length;
  const abort = new AbortController();
  let seen = 0;
  const run = async () => {
    for await (const _ of source.entries(rules(), { signal: abort.signal })) {
      seen++;
      abort.abort();
    }
  };
  // After the last entry there may be nothing left to abort.
  if (total < 2) return;
  await assertAborted(run());
  assert.equal(seen, 1);
}

async function givesContent(source: ManifestSource): Promise<void> {
  for (const file of await files(source)) {
    assert.equal((await read(file)).length, file.size, file.path);
  }
}

async function givesContentAgain(source: ManifestSource): Promise<void> {
  for (const file of await files(source)) {
    const [one, two] = await Promise.all([read(file), read(file)]);
    assert.ok(one.equals(two), file.path);
  }
}

async function givesExpected(source: ManifestSource): Promise<void> {
  for (const file of await files(source)) {
    if (file.expected?.algorithm !== "sha256") continue;
    for (const compares of [false, true]) {
      const digest = createHash("sha256").update(await read(file, undefined, compares)).digest(
        "hex",
      );
      assert.equal(digest, file.expected.digest, file.path);
    }
  }
}

async function givesRanges(source: ManifestSource): Promise<void> {
  for (const file of await files(source)) {
    const whole = await read(file);
    const middle = Math.floor(file.size / 2);
    const ranges: readonly ByteRange[] = [
      { start: 0, end: 0 },
      { start: 0, end: file.size },
      { start: 0, end: middle },
      { start: middle, end: file.size },
      { start: file.size, end: file.size },
      { start: middle, end: Math.min(middle + 1, file.size) },
    ];
    for (const range of ranges) {
      const part = await read(file, range);
      const expected = whole.subarray(range.start, range.end);
      assert.ok(part.equals(expected), `${file.path}:${range.start}:${range.end}`);
    }
  }
}

async function canBeCancelled(source: ManifestSource): Promise<void> {
  for (const file of await files(source)) {
    await file.open().cancel();
    const reader = file.open().getReader();
    await reader.read();
    await reader.cancel();
    assert.equal((await read(file)).length, file.size, file.path);
  }
}

function rules(settings: PathFilterSettings = { ignorePaths: [] }): EnumerationRules {
  return { filter: new PathFilter(settings), allowSymlinks: false };
}

/** Every entry, in code point order of the paths. */
async function list(
  source: ManifestSource,
  settings?: PathFilterSettings,
  options: RunOptions = {},
): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of source.entries(rules(settings), options)) entries.push(entry);
  return entries.sort((a, b) => compareCodePoints(a.path, b.path));
}

/** The entries that would be signed. */
async function content(source: ManifestSource): Promise<readonly Content[]> {
  return (await list(source)).filter(isContent);
}

function isContent(entry: Entry): entry is Content {
  return entry.kind === "file" || entry.kind === "digest";
}

async function files(source: ManifestSource): Promise<readonly File[]> {
  return (await list(source)).filter((entry) => entry.kind === "file").slice(0, FILES_READ);
}

/** Entries as comparable values. */
function facts(entries: readonly Entry[]): readonly unknown[] {
  return entries.map((entry) =>
    entry.kind === "file"
      ? { kind: entry.kind, path: entry.path, size: entry.size, location: entry.location }
      : entry
  );
}

async function read(file: File, range?: ByteRange, compares?: boolean): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  const reader = file.open(range, compares).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    chunks.push(next.value);
  }
  return Buffer.concat(chunks);
}

function assertCanonical(paths: readonly string[]): void {
  for (const path of paths) assert.equal(pathProblem(path), undefined, path);
  assert.equal(new Set(paths).size, paths.length, "a path is given twice");
}

async function assertAborted(run: Promise<unknown>): Promise<void> {
  await assert.rejects(
    run,
    (error) => error instanceof ModelSigningError && error.code === "ABORTED",
  );
}

function depth(path: string): number {
  return [...ancestors(path)].length;
}
