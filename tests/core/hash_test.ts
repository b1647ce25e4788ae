import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode, Issue } from "../../core/errors.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { hash, type HashInput } from "../../core/hash.ts";
import type { HasherFactory } from "../../core/hasher.ts";
import { rootDigest } from "../../core/manifest.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { sha256 } from "../support/bundles.ts";
import {
  type MemoryFile,
  MemorySource,
  type MemorySourceOptions,
} from "../support/memory_source.ts";

type Settings = Omit<HashInput, "source" | "hasher">;

async function hashed(
  files: Readonly<Record<string, MemoryFile>>,
  settings: Settings = {},
  options: MemorySourceOptions = {},
) {
  const source = new MemorySource(files, options);
  return await hash({ source, hasher: hasherFactory(), ...settings });
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<ModelSigningError> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code);
  return error;
}

function symlink(path: string): Issue {
  return { code: "ENTRY_SYMLINK", message: "is a symbolic link", path, hint: "resolve it" };
}

test("hash() makes a manifest in code point order", async () => {
  const { manifest, coverage } = await hashed({
    "b": "2",
    "\u{10000}": "",
    "\uffff": "",
    "a/c": "1",
  });
  assert.equal(manifest.name, "model");
  assert.deepEqual(manifest.resources, [
    { name: "a/c", digest: sha256("1"), algorithm: "sha256" },
    { name: "b", digest: sha256("2"), algorithm: "sha256" },
    { name: "\uffff", digest: sha256(""), algorithm: "sha256" },
    { name: "\u{10000}", digest: sha256(""), algorithm: "sha256" },
  ]);
  assert.deepEqual(manifest.serialization, {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [".git", ".gitattributes", ".github", ".gitignore"],
  });
  assert.deepEqual(coverage, { files: 4, bytes: 2, ignored: [], uncovered: [] });
});

test("hash() makes shards, and says which files they do not cover", async () => {
  const { manifest, coverage } = await hashed(
    { "a": "0123456789", "b": "0123", "z": "", "e": "" },
    { shardSize: 4 },
  );
  assert.deepEqual(manifest.resources.map(({ name, digest }) => [name, digest]), [
    ["a:0:4", sha256("0123")],
    ["a:4:8", sha256("4567")],
    ["a:8:10", sha256("89")],
    ["b:0:4", sha256("0123")],
  ]);
  assert.ok(manifest.serialization.method === "shards");
  assert.equal(manifest.serialization.shardSize, 4);
  assert.deepEqual(coverage, { files: 2, bytes: 14, ignored: [], uncovered: ["e", "z"] });
});

test("hash() leaves git paths at the top out, and nothing else", async () => {
  const files = { ".git/HEAD": "x", ".gitignore": "x", "sub/.git/HEAD": "y", ".hidden": "z" };
  const { manifest, coverage } = await hashed(files);
  assert.deepEqual(manifest.resources.map(({ name }) => name), [".hidden", "sub/.git/HEAD"]);
  assert.deepEqual(coverage.ignored, [".git", ".gitignore"]);
  const all = await hashed(files, { ignoreGitPaths: false });
  assert.equal(all.manifest.resources.length, 4);
  assert.deepEqual(all.manifest.serialization.ignorePaths, []);
});

test("hash() records what the user ignored, sorted and once", async () => {
  const { manifest, coverage } = await hashed({ "a": "1", "x/y": "2" }, {}, {
    ignorePaths: ["x", ".git", "\u{10000}", "\uffff"],
  });
  assert.deepEqual(manifest.resources.map(({ name }) => name), ["a"]);
  assert.deepEqual(manifest.serialization.ignorePaths, [
    ".git",
    ".gitattributes",
    ".github",
    ".gitignore",
    "x",
    "\uffff",
    "\u{10000}",
  ]);
  assert.deepEqual(coverage.ignored, ["x"]);
});

test("hash() gives the same manifest whatever order the source has", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 50 }, (_, index) => [`f${index}`, `content ${index}`]),
  );
  const reversed = Object.fromEntries(Object.entries(files).toReversed());
  const [one, other] = [await hashed(files), await hashed(reversed)];
  assert.deepEqual(one.manifest, other.manifest);
  assert.equal(rootDigest(one.manifest.resources), rootDigest(other.manifest.resources));
});

test("hash() refuses an empty model", async () => {
  await refused(hashed({}), "MODEL_EMPTY");
  await refused(hashed({ ".git/HEAD": "x" }), "MODEL_EMPTY");
  await refused(hashed({ "a": "" }, { shardSize: 4 }), "MODEL_EMPTY");
});

test("hash() names every refused entry, wherever it stands", async () => {
  const files: Record<string, MemoryFile> = { "first": symlink("first") };
  for (let index = 0; index < 50; index++) files[`f${index}`] = "content";
  files["last"] = symlink("last");
  const error = await refused(hashed(files), "MODEL_REFUSED");
  assert.deepEqual(error.issues.map(({ code, path }) => [code, path]), [
    ["ENTRY_SYMLINK", "first"],
    ["ENTRY_SYMLINK", "last"],
  ]);
  assert.equal(error.hint, "resolve it");
});

test("hash() refuses a model with a file that cannot be read", async () => {
  const broken = Object.assign(new Error("disk"), { code: "EIO" });
  const error = await refused(hashed({ "a": "1", "bad": broken, "z": "1" }), "MODEL_REFUSED");
  assert.deepEqual(error.issues.map(({ code, path }) => [code, path]), [[
    "ENTRY_UNREADABLE",
    "bad",
  ]]);
});

test("hash() lists a bounded number of refused entries", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 5000 }, (_, index) => [`l${index}`, symlink(`l${index}`)]),
  );
  const error = await refused(hashed(files), "MODEL_REFUSED");
  assert.ok(error.issues.length <= 1000);
});

test("hash() ends with ABORTED when the signal has fired", async () => {
  const source = new MemorySource({ "a": "1" });
  const run = hash({ source, hasher: hasherFactory() }, { signal: AbortSignal.abort() });
  await refused(run, "ABORTED");
});

test("hash() lets an outage of the source through, and disposes of the hasher", async () => {
  const outage = new ModelSigningError("MODEL_UNREADABLE", "the disk is gone");
  const source = new MemorySource({});
  source.entries = () => {
    throw outage;
  };
  let disposed = 0;
  const factory = hasherFactory();
  const hasher: HasherFactory = (settings) => {
    const inner = factory(settings);
    return {
      hash: (entries, options) => inner.hash(entries, options),
      async [Symbol.asyncDispose]() {
        disposed++;
        await inner[Symbol.asyncDispose]();
      },
    };
  };
  await refused(hash({ source, hasher }), "MODEL_UNREADABLE");
  assert.equal(disposed, 1);
});
