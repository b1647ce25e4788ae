/** The recipes of examples/ci and examples/kubernetes are what docs/ci.md and docs/kubernetes.md show. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Block, blocksOf } from "../docs/documents.ts";

const ROOT = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** The files of a folder, by their names. */
function recipes(folder: string): ReadonlyMap<string, string> {
  const names = readdirSync(new URL(folder, ROOT));
  return new Map(names.map((name) => [name, read(`${folder}/${name}`)]));
}

/** A file, or a part of one with its indentation taken away. */
function isPartOf(file: string, { text }: Block): boolean {
  return [...Array(12).keys()].some((spaces) =>
    file.includes(text.replace(/^(?=.)/gm, " ".repeat(spaces)))
  );
}

test("docs/ci.md shows every file of examples/ci as it is", () => {
  const shown = blocksOf(read("docs/ci.md")).map(({ text }) => text);
  for (const [name, text] of recipes("examples/ci")) assert.ok(shown.includes(text), name);
});

test("docs/kubernetes.md shows parts of examples/kubernetes, and names every file there", () => {
  const document = read("docs/kubernetes.md");
  const files = recipes("examples/kubernetes");
  const shown = blocksOf(document).filter(({ info }) => info === "yaml");
  assert.ok(shown.length > 0);
  for (const block of shown) {
    assert.ok([...files.values()].some((file) => isPartOf(file, block)), `line ${block.line}`);
  }
  for (const name of files.keys()) {
    assert.ok(document.includes(`examples/kubernetes/${name})`), name);
  }
});
