/** The documentation shows what the program really prints. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { isInstalled, leftOutTest } from "../support/left_out.ts";
import { normalised, withRealOutput } from "./console.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const DOCUMENTS = ["README.md", ...readdirSync(`${ROOT}/docs`).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith(".md"));

for (const document of DOCUMENTS) {
  const text = readFileSync(`${ROOT}/${document}`, "utf8");
  if (!text.includes("```console\n")) continue;
  const name = `${document} shows what its commands print`;
  const [, needs = ""] = /^<!-- needs: (.+) -->$/m.exec(text) ?? [];
  const missing = needs.split(" ").filter((command) => command !== "" && !isInstalled(command));
  if (missing.length > 0) {
    leftOutTest(name, `not installed: ${missing.join(", ")}`);
    continue;
  }
  test(name, () => {
    assert.equal(normalised(withRealOutput(text)), normalised(text));
  });
}
