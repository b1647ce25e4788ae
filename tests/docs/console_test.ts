/** The documentation shows what the program really prints. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { normalised, withRealOutput } from "./console.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", ...readdirSync(`${ROOT}/docs`).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"));

for (const document of DOCUMENTS) {
  const text = readFileSync(`${ROOT}/${document}`, "utf8");
  if (!text.includes("```console\n")) continue;
  test(`${document} shows what its commands print`, () => {
    assert.equal(normalised(withRealOutput(text)), normalised(text));
  });
}
