import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { Registry } from "../../../core/registry.ts";
import { fsPlugin } from "../../../plugins/fs/mod.ts";
import { code, linesOf, withTree } from "./_tree.ts";

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

test("fsPlugin lets only the command line exclude paths", () => {
  const provider = new Registry([fsPlugin]).find("source", "file")!;
  const option = provider.options.find(({ name }) => name === "ignore-paths");
  assert.equal(option?.fromEnvironment, false);
});
