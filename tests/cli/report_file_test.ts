/** The reports that a failed run leaves. What a run with an outcome does stands in bad_target_test.ts. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { removeReportAfterFault } from "../../cli/report_file.ts";
import { workbench } from "../support/workbench.ts";

test("removeReportAfterFault() removes the report that a verification names, and nothing else", async () => {
  await using bench = await workbench();
  const path = join(bench.path, "report.json");
  const isLeft = async (
    argv: readonly string[],
    named = "",
    content = '{"tool": {"name": "model-signing"}, "verdict": "verified"}',
  ) => {
    await bench.write({ "report.json": content });
    await removeReportAfterFault(argv, { MODEL_SIGNING_REPORT: named });
    return existsSync(path);
  };
  for (
    const argv of [
      ["verify", "key", "m", "--report", path, "--bogus"],
      ["--log-level", "debug", "verify", `--report=${path}`],
    ]
  ) assert.equal(await isLeft(argv), false, argv.join(" "));
  assert.equal(await isLeft(["verify", "m"], path), false);
  for (
    const argv of [
      ["verify", "key", "m", "--report"],
      ["verify", "key", "m", "--", "--report", path],
      ["verify", "key", "m", "--report", "-"],
      ["digest", "verify", "--report", path],
    ]
  ) assert.equal(await isLeft(argv), true, argv.join(" "));
  // The variable does not count then, and `sign` has no report.
  assert.equal(await isLeft(["verify", "m", "--report", join(bench.path, "none")], path), true);
  assert.equal(await isLeft(["sign", "m"], path), true);
  const report = '{"tool": {"name": "model-signing"}, "verdict": "verified"}';
  for (
    const content of [
      ...["weights", `${report}\n${report}`, `[${report}]`, '{"verdict": "verified"}'],
      '{"tool": {"name": "another"}, "verdict": "verified"}',
    ]
  ) assert.equal(await isLeft(["verify", "m", "--report", path], "", content), true, content);
});
