import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { DIGEST_LENGTH, HASH_TYPES, type Resource } from "../../core/hasher.ts";
import { type Manifest, sortResources } from "../../core/manifest.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import { writeStatement } from "../../core/statement.ts";
import { resourcesOf, rootOf, sha256 } from "../support/bundles.ts";

const FILES: Manifest["serialization"] = {
  method: "files",
  hashType: "sha256",
  allowSymlinks: false,
  ignorePaths: [],
};

function manifestOf(names: readonly string[], more: Partial<Manifest> = {}): Manifest {
  return {
    name: "model",
    resources: resourcesOf(names) as unknown as Resource[],
    serialization: FILES,
    ...more,
  };
}

function text(manifest: Manifest): string {
  return Buffer.from(writeStatement(manifest)).toString("utf8");
}

test("writeStatement() writes these bytes", () => {
  const resources = resourcesOf(["a", "b/ü"]) as unknown as Resource[];
  const manifest = manifestOf([], {
    resources,
    serialization: { ...FILES, ignorePaths: [".git", "x"] },
  });
  assert.equal(
    text(manifest),
    '{"_type":"https://in-toto.io/Statement/v1",' +
      `"subject":[{"name":"model","digest":{"sha256":"${rootOf(resources)}"}}],` +
      '"predicateType":"https://model_signing/signature/v1.0",' +
      '"predicate":{"resources":[' +
      `{"name":"a","digest":"${sha256("a")}","algorithm":"sha256"},` +
      `{"name":"b/ü","digest":"${sha256("b/ü")}","algorithm":"sha256"}],` +
      '"serialization":{"method":"files","hash_type":"sha256","allow_symlinks":false,' +
      '"ignore_paths":[".git","x"]}}}',
  );
});

test("writeStatement() writes the shard size exactly when there is one", () => {
  const { predicate } = JSON.parse(text(manifestOf(["a:0:7"], {
    serialization: {
      method: "shards",
      shardSize: 7,
      hashType: "sha256",
      allowSymlinks: true,
      ignorePaths: [],
    },
  })));
  assert.deepEqual(predicate.serialization, {
    method: "shards",
    hash_type: "sha256",
    shard_size: 7,
    allow_symlinks: true,
  });
  assert.ok(!text(manifestOf(["a"])).includes("shard_size"));
});

test("writeStatement() writes further members of resources, and annotations, which cannot displace its own", () => {
  const resource: Resource = {
    name: "a",
    digest: sha256("a"),
    algorithm: "sha256",
    extra: { mediaType: "x/y", name: "evil", digest: "evil", algorithm: "evil" },
  };
  const statement = JSON.parse(
    text(manifestOf([], { resources: [resource], annotations: { k: "v" } })),
  );
  assert.deepEqual(statement.predicate.resources, [
    { mediaType: "x/y", name: "a", digest: sha256("a"), algorithm: "sha256" },
  ]);
  assert.deepEqual(statement.subject[0].annotations, { k: "v" });
});

test("writeStatement() writes any number of resources as one list", () => {
  for (const count of [4095, 4096, 4097, 10_000]) {
    const names = Array.from({ length: count }, (_, index) => String(index).padStart(5, "0"));
    const written = text(manifestOf(names));
    const statement = JSON.parse(written);
    assert.deepEqual(statement.predicate.resources, resourcesOf(names));
    // No space and no member that parsing would hide.
    assert.equal(JSON.stringify(statement), written);
  }
});

test("writeStatement() gives the same bytes for the same manifest", () => {
  const one = manifestOf(["a", "b"]);
  const other: Manifest = {
    serialization: {
      ignorePaths: [],
      allowSymlinks: false,
      hashType: "sha256",
      method: "files",
    },
    resources: one.resources.map(({ name, digest, algorithm }) => ({ algorithm, digest, name })),
    name: "model",
  };
  assert.equal(text(one), text(other));
});

test("parseStatement() reads back what writeStatement() wrote", () => {
  const part = fc.stringMatching(/^[\w é\u{10000}\ue000:"\\\u202e-]{1,8}$/u)
    .filter((name) => name.isWellFormed());
  const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const manifest = fc.record({
    name: part,
    hashType: fc.constantFrom(...HASH_TYPES),
    allowSymlinks: fc.boolean(),
    ignorePaths: fc.uniqueArray(path, { maxLength: 3 }),
    names: fc.uniqueArray(path, { minLength: 1, maxLength: 20 }),
    shardSize: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })),
  }).map(({ name, names, hashType, shardSize, ...rest }): Manifest => ({
    name,
    resources: sortResources(names.map((path) => ({
      name: shardSize === null ? path : `${path}:0:1`,
      digest: sha256(path).repeat(DIGEST_LENGTH[hashType] / 32),
      algorithm: hashType,
    }))),
    serialization: shardSize === null
      ? { method: "files", hashType, ...rest }
      : { method: "shards", shardSize, hashType, ...rest },
  }));
  fc.assert(fc.property(manifest, (written) => {
    const read = parseStatement(writeStatement(written));
    assert.ok(read.ok, read.ok ? "" : read.issue.message);
    assert.equal(read.value.form, "current");
    assert.deepEqual(read.value.manifest, written);
    assert.equal(read.value.rootDigest, rootOf(written.resources));
  }));
});
