import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

test("a folder for temporary files that is missing, or no folder, changes no result", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const args = ["digest", "model", "--hash-algorithm", "blake3"];
  const expected = (await cli(args, { cwd })).stdout;
  assert.match(expected, /^sha256:[0-9a-f]{64}\n$/);
  for (const place of [join(cwd, "none"), join(cwd, "key.pub")]) {
    const env = { TMPDIR: place, TMP: place, TEMP: place };
    const { status, stdout, stderr } = await cli(args, { cwd, env });
    assert.equal(status, 0, stderr);
    assert.equal(stdout, expected);
    assert.equal((await cli(SIGN, { cwd, env })).status, 0);
  }
});

test("options in the environment that could weaken a check are ignored with a warning", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  await folder.write({ "model/evil.py": "import os\n" });
  const env = {
    MODEL_SIGNING_IGNORE_PATHS: "evil.py",
    MODEL_SIGNING_IGNORE_UNSIGNED_FILES: "true",
    MODEL_SIGNING_ALLOW_SYMLINKS: "true",
  };
  const { status, stderr } = await cli(VERIFY, { cwd, env });
  assert.equal(status, 1);
  assert.equal(stderr.split("is ignored").length - 1, 3);
});
