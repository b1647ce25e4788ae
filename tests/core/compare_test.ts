import assert from "node:assert/strict";
import { test } from "node:test";
import type { CompareInput, ModelComparison } from "../../core/compare.ts";
import { compare } from "../../core/compare.ts";
import type { Manifest } from "../../core/manifest.ts";
import type { Entry, ManifestSource, ResourceRole } from "../../core/source.ts";
import type { Statement } from "../../core/statement.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { sha256 } from "../support/bundles.ts";
import {
  type MemoryFile,
  MemorySource,
  type MemorySourceOptions,
} from "../support/memory_source.ts";

type Files = Readonly<Record<string, MemoryFile>>;
type How = MemorySourceOptions & Omit<CompareInput, "source" | "hasher" | "roles"> & {
  readonly roles?: Readonly<Record<string, ResourceRole>>;
};

const SIGNED: Files = { "config.json": "{}", "layer_000.tar.gz": "tar", "weights": "1234" };

function statementOf(files: Files, annotations?: Manifest["annotations"]): Statement {
  return {
    form: "current",
    manifest: {
      name: "model",
      ...(annotations ? { annotations } : {}),
      resources: Object.entries(files).map(([name, content]) => ({
        name,
        digest: sha256(content as string),
        algorithm: "sha256",
      })),
      serialization: {
        method: "files",
        hashType: "sha256",
        allowSymlinks: false,
        ignorePaths: [],
      },
    },
  };
}

async function compared(
  files: Files,
  { roles, ...how }: How = {},
  statement: Statement = statementOf(SIGNED),
): Promise<ModelComparison> {
  return await compare(statement, {
    ...how,
    source: new MemorySource(files, how),
    hasher: hasherFactory(),
    ...(roles ? { roles: () => new Map(Object.entries(roles)) } : {}),
  });
}

function without(...names: readonly string[]): Files {
  return Object.fromEntries(Object.entries(SIGNED).filter(([name]) => !names.includes(name)));
}

function statusOf({ checks }: ModelComparison, id: string): string | undefined {
  return checks.find((check) => check.id === id)?.status;
}

function diffs({ files }: ModelComparison): readonly string[] {
  return files.map(({ kind, name }) => `${kind} ${name}`);
}

const METADATA = { "config.json": "metadata" } as const;
const ARCHIVE = { "layer_000.tar.gz": "archive" } as const;

test("compare() forgives a missing file only when it is metadata", async () => {
  const forgiven = await compared(without("config.json"), { roles: METADATA });
  assert.equal(statusOf(forgiven, "files"), "passed");
  assert.deepEqual(forgiven.coverage.absent, ["config.json"]);
  for (const how of [{}, { roles: { weights: "metadata" } as const }]) {
    const missing = await compared(without("config.json"), how);
    assert.equal(statusOf(missing, "files"), "failed");
    assert.deepEqual(diffs(missing), ["missing config.json"]);
    assert.equal(missing.coverage.absent, undefined);
  }
});

test("compare() does not forgive metadata that is there and differs", async () => {
  const changed = await compared({ ...SIGNED, "config.json": "[]" }, { roles: METADATA });
  assert.deepEqual(diffs(changed), ["modified config.json"]);
  assert.equal(statusOf(changed, "files"), "failed");
});

test("compare() leaves a missing archive and what may have been in it undecided", async () => {
  const files = { ...without("layer_000.tar.gz"), unpacked: "a", more: "b" };
  const result = await compared(files, { roles: ARCHIVE });
  assert.deepEqual(result.files, []);
  assert.deepEqual(result.issues.map(({ code, path }) => [code, path]), [
    ["ARCHIVE_UNDECIDED", "layer_000.tar.gz"],
    ["ARCHIVE_UNDECIDED", undefined],
  ]);
  const check = result.checks.find(({ id }) => id === "files");
  assert.ok(check?.status === "failed" && check.issue.code === "ARCHIVE_UNDECIDED");
});

test("compare() reports what is wrong beside an undecided archive", async () => {
  const result = await compared(
    { ...without("layer_000.tar.gz"), weights: "changed" },
    { roles: ARCHIVE },
  );
  assert.deepEqual(diffs(result), ["modified weights"]);
  const check = result.checks.find(({ id }) => id === "files");
  assert.ok(check?.status === "failed" && check.issue.code === "FILE_MODIFIED");
});

test("compare() takes an archive that is there for a file like any other", async () => {
  assert.equal(statusOf(await compared(SIGNED, { roles: ARCHIVE }), "files"), "passed");
  const changed = await compared({ ...SIGNED, "layer_000.tar.gz": "x" }, { roles: ARCHIVE });
  assert.deepEqual(diffs(changed), ["modified layer_000.tar.gz"]);
  const more = await compared({ ...SIGNED, unpacked: "a" }, { roles: ARCHIVE });
  assert.deepEqual(diffs(more), ["unsigned unpacked"]);
});

test("compare() fails when source and signature state different annotations", async () => {
  const signed = statementOf(SIGNED, { source: "oci", digest: "sha256:1" });
  const result = await compared(SIGNED, {
    annotations: { source: "oci", digest: "sha256:2" },
  }, signed);
  const check = result.checks.find(({ id }) => id === "annotations");
  assert.ok(check?.status === "failed" && check.issue.code === "ANNOTATION_MISMATCH");
  assert.equal(statusOf(result, "files"), "passed");
});

test("compare() passes annotations that both state, and skips those that only one does", async () => {
  const annotations = { digest: "sha256:1" };
  const cases: readonly (readonly [Manifest["annotations"], How, string | undefined])[] = [
    [annotations, { annotations }, "passed"],
    [{ ...annotations, more: "x" }, { annotations }, "passed"],
    [undefined, { annotations }, "skipped"],
    [{ other: "x" }, { annotations }, "skipped"],
    [annotations, {}, undefined],
  ];
  for (const [signed, how, expected] of cases) {
    const result = await compared(SIGNED, how, statementOf(SIGNED, signed));
    assert.equal(statusOf(result, "annotations"), expected, JSON.stringify([signed, how]));
  }
});

test("compare() is not misled by an annotation that objects inherit", async () => {
  const result = await compared(SIGNED, { annotations: { toString: "x" } });
  assert.equal(statusOf(result, "annotations"), "skipped");
});

/** Lists one digest, and git's attributes. */
function digestSource(ignoreGitPaths?: boolean): ManifestSource {
  const entry = (path: string): Entry => ({
    kind: "digest",
    path,
    size: 4,
    algorithm: "sha256",
    digest: sha256("1234"),
  });
  return {
    name: "model",
    singleFile: false,
    ignorePaths: [],
    ...(ignoreGitPaths === undefined ? {} : { ignoreGitPaths }),
    async *entries({ filter }) {
      for (const path of [".gitattributes", "weights"]) {
        if (filter.decide(path, false) === "take") yield entry(path);
      }
    },
  };
}

test("compare() forgives whole files only, also when shards were signed", async () => {
  const shards = { "a.tar:0:2": "ab", "a.tar:2:3": "c", "w:0:1": "w" };
  const { form, manifest } = statementOf(shards);
  const serialization = { ...manifest.serialization, method: "shards", shardSize: 2 } as const;
  const statement = { form, manifest: { ...manifest, serialization } };
  const roles = { "a.tar:0:2": "archive", "a.tar:2:3": "archive" } as const;
  const without = await compared({ w: "w" }, { roles }, statement);
  assert.deepEqual(without.issues.map(({ code, path }) => [code, path]), [
    ["ARCHIVE_UNDECIDED", "a.tar"],
  ]);
  assert.deepEqual(diffs(without), []);
  const parts: readonly (readonly [string, readonly string[]])[] = [
    ["ab", ["missing a.tar:2:3"]],
    ["a", ["missing a.tar:0:2", "unsigned a.tar:0:1", "missing a.tar:2:3"]],
    ["", ["missing a.tar:0:2", "missing a.tar:2:3"]],
  ];
  for (const [part, found] of parts) {
    const result = await compared({ "a.tar": part, w: "w" }, { roles }, statement);
    assert.deepEqual(diffs(result).toSorted(), found.toSorted(), part);
    assert.deepEqual(result.issues, [], part);
  }
});

test("compare() counts digests that the source stated", async () => {
  const statement = statementOf({ weights: "1234" });
  const { coverage } = await compare(statement, {
    source: digestSource(),
    hasher: hasherFactory(),
  });
  assert.deepEqual(coverage, { files: 1, bytes: 4, stated: 1, ignored: [], uncovered: [] });
});

test("compare() takes git's files for a part of the model where the source says so", async () => {
  const statement = statementOf({ weights: "1234" });
  const cases = [[undefined, undefined, 0], [false, undefined, 1], [false, true, 0], [
    true,
    false,
    1,
  ]] as const;
  for (const [source, asked, unsigned] of cases) {
    const { files } = await compare(statement, {
      source: digestSource(source),
      hasher: hasherFactory(),
      ...(asked === undefined ? {} : { ignoreGitPaths: asked }),
    });
    assert.equal(files.length, unsigned, `${source} ${asked}`);
  }
});
