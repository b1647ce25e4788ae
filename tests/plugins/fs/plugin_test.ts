import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { hash } from "../../../core/hash.ts";
import { Registry } from "../../../core/registry.ts";
import type { ManifestSource } from "../../../core/source.ts";
import { fileSystemSource, fsPlugin } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { code, linesOf, Link, withTree } from "./_tree.ts";

test("fsPlugin offers the source `file`", async () => {
  const provider = new Registry([fsPlugin]).find("source", "file");
  assert.ok(provider);
  await withTree({ a: "", b: "", "model.sig": "" }, async (folder) => {
    const { source } = await provider.open(folder, {
      "ignore-paths": ["b"],
      "signature": path.join(folder, "model.sig"),
    }, {});
    assert.deepEqual(source.ignorePaths, ["b", "model.sig"]);
    assert.deepEqual(await linesOf(source, { ignorePaths: source.ignorePaths }), [
      "file a",
      "ignored b",
      "ignored model.sig",
    ]);
  });
});

test("fsPlugin splits ignore paths at commas, but not the name of something that exists", async () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  await withTree({ a: "", b: "", c: "", "a,b": "" }, async (folder) => {
    const open = async (typed: string) =>
      (await provider.open(folder, { "ignore-paths": [typed] }, {})).source.ignorePaths;
    assert.deepEqual(await open("b,c"), ["b", "c"]);
    assert.deepEqual(await open("a,b"), ["a,b"]);
    assert.deepEqual(await open(path.join(folder, "a,b")), ["a,b"]);
    await assert.rejects(open("b,,c"), code("USAGE_IGNORE_PATH"));
  });
});

test("fsPlugin takes the signature `-` for a stream, not for a file", async () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  await withTree({ "-": "" }, async (folder) => {
    const { source } = await provider.open(folder, { signature: "-" }, {});
    assert.deepEqual(source.ignorePaths, []);
  });
});

test("fsPlugin passes the signal on", async () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  await withTree({ a: "" }, async (folder) => {
    await assert.rejects(
      provider.open(folder, {}, { signal: AbortSignal.abort() }),
      code("ABORTED"),
    );
  });
});

test("fsPlugin's hints name its options, and the library's findings name none", async () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  await withTree({ link: new Link("nowhere") }, async (folder) => {
    const hasher = hasherFactory({ jobs: 1 });
    const refusal = async (source: ManifestSource, allowSymlinks: boolean) => {
      const error = await hash({ source, hasher, allowSymlinks }).catch((error) => error);
      assert.ok(code("MODEL_REFUSED")(error));
      const [{ message, hint } = {}] = error.issues;
      return `${error.message} ${error.hint} ${message} ${hint}`;
    };
    const { source } = await provider.open(folder, {}, {});
    assert.match(await refusal(source, false), /--allow-symlinks .* --ignore-paths$/);
    assert.match(await refusal(source, true), /restore .* --ignore-paths$/);
    for (const allowSymlinks of [true, false]) {
      assert.doesNotMatch(await refusal(await fileSystemSource(folder), allowSymlinks), /--/);
    }
  });
});

test("fsPlugin lets only the command line exclude paths", () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  const option = provider.options.find(({ name }) => name === "ignore-paths");
  assert.equal(option?.fromEnvironment, false);
});
