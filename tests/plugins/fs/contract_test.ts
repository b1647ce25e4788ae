import { test } from "node:test";
import path from "node:path";
import { sourceContract } from "../../../core/contract/source.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { Link, type Tree, withTree } from "./_tree.ts";

const MODEL: Tree = {
  "config.json": "{}",
  empty: "",
  large: new Uint8Array(600_000).map((_, index) => index % 251),
  link: new Link("config.json"),
  "a:b": "colon",
  layers: { "0": "zero", deep: { er: { "weights.bin": "w" } }, none: {} },
  "\u{ffee}": "a",
  "\u{1f600}": "b",
};

for (const [index, { name }] of sourceContract(() => fileSystemSource("")).entries()) {
  test(`directory: ${name}`, async () => {
    await withTree(MODEL, async (folder) => {
      await sourceContract(() => fileSystemSource(folder))[index]!.run();
    });
  });

  test(`single file: ${name}`, async () => {
    await withTree(MODEL, async (folder) => {
      await sourceContract(() => fileSystemSource(path.join(folder, "large")))[index]!.run();
    });
  });
}
