import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { manifestProblem } from "../../core/check_manifest.ts";
import type { HashType, Resource } from "../../core/hasher.ts";
import type { Manifest, Serialization } from "../../core/manifest.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import { writeStatement } from "../../core/statement.ts";
import { resourcesOf } from "../support/bundles.ts";

const FILES: Serialization = {
  method: "files",
  hashType: "sha256",
  allowSymlinks: false,
  ignorePaths: [],
};

function manifestOf(names: readonly string[], serialization: Serialization = FILES): Manifest {
  return { name: "model", resources: resourcesOf(names) as unknown as Resource[], serialization };
}

function sharded(names: readonly string[], shardSize: number): Manifest {
  return manifestOf(names, { ...FILES, method: "shards", shardSize });
}

test("manifestProblem() finds nothing wrong with good manifests", () => {
  assert.equal(manifestProblem(manifestOf(["a", "b/c"])), undefined);
  assert.equal(manifestProblem(sharded(["a:0:2", "a:2:3"], 2)), undefined);
  assert.equal(manifestProblem(manifestOf(["."])), undefined);
});

test("manifestProblem() tells what a verifier would refuse", () => {
  const cases: readonly (readonly [code: string, manifest: Manifest])[] = [
    ["STATEMENT_MALFORMED", { ...manifestOf(["a"]), name: "" }],
    ["STATEMENT_MALFORMED", manifestOf(["a"], { ...FILES, ignorePaths: ["x", ""] })],
    ["STATEMENT_MALFORMED", manifestOf(["a"], { ...FILES, hashType: "blake3" })],
    ["STATEMENT_MALFORMED", manifestOf(["a"], { ...FILES, hashType: "blake2b" })],
    ["STATEMENT_MALFORMED", sharded(["a:0:1"], 1.5)],
    ["STATEMENT_MALFORMED", sharded(["a:0:1"], 0)],
    ["STATEMENT_MALFORMED", sharded(["a:0:1"], Number.POSITIVE_INFINITY)],
    ["RESOURCE_NONE", manifestOf([])],
    ["RESOURCE_NAME", manifestOf(["../a"])],
    ["RESOURCE_NAME", manifestOf(["a\ud800"])],
    ["RESOURCE_NAME", manifestOf([""])],
    ["RESOURCE_ORDER", manifestOf(["b", "a"])],
    ["RESOURCE_DUPLICATE", manifestOf(["a", "a"])],
    ["SHARD_RANGE", sharded(["a:0:3"], 2)],
    ["SHARD_RANGE", sharded(["a"], 2)],
  ];
  for (const [code, manifest] of cases) assert.equal(manifestProblem(manifest)?.code, code);
});

test("manifestProblem() agrees with reading back what was written", () => {
  const name = fc.constantFrom(
    "a",
    "b",
    "a/b",
    "",
    ".",
    "..",
    "/",
    "a:0:1",
    "a:1:2",
    "\ud800",
    "é",
  );
  const manifest = fc.record({
    name,
    names: fc.array(name, { maxLength: 4 }),
    hashType: fc.constantFrom<HashType>("sha256", "sha256", "blake3"),
    ignorePaths: fc.array(name, { maxLength: 1 }),
    shardSize: fc.constantFrom(undefined, undefined, 1, 0, 1.5, 2 ** 60),
    sorted: fc.boolean(),
  }).map(({ name, names, hashType, ignorePaths, shardSize, sorted }): Manifest => ({
    ...manifestOf(
      sorted ? names.toSorted() : names,
      shardSize === undefined
        ? { ...FILES, hashType, ignorePaths }
        : { ...FILES, hashType, ignorePaths, method: "shards", shardSize },
    ),
    name,
  }));
  fc.assert(
    fc.property(manifest, (value) => {
      const readBack = parseStatement(writeStatement(value));
      assert.equal(manifestProblem(value) === undefined, readBack.ok);
    }),
    { numRuns: 2000 },
  );
});
