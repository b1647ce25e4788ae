/** The documentation shows what the program really prints. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isInstalled, leftOutTest } from "../support/left_out.ts";
import { normalised, withRealOutput } from "./console.ts";
import { documents } from "./documents.ts";

for (const { path, text } of documents()) {
  if (!text.includes("```console\n")) continue;
  const name = `${path} shows what its commands print`;
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
