import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertStatus } from "../support/outcome.ts";
import { ROOT } from "../support/project.ts";
import { desk } from "../support/sigstore_cli.ts";
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

test("without a home, a locale and a terminal, names with spaces and Unicode are signed and told as they are", async () => {
  await using at = await desk();
  const model = "Größe 模型 x";
  await at.write({ [`${model}/fü ll.bin`]: "weights", [`${model}/😀`]: "tokens" });
  const nothing = ["HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "TERM", "XDG_RUNTIME_DIR"];
  const env = {
    ...Object.fromEntries(nothing.map((name) => [name, ""])),
    ...{ LANG: "C", LC_ALL: "C", XDG_CACHE_HOME: "", XDG_CONFIG_HOME: "" },
  };
  const signature = "sig nätur.sig";
  const named = (args: readonly string[]) => args.map((arg) => arg === "model" ? model : arg);
  const signed = await at.run([...named(SIGN), "--signature", signature], { env });
  assertStatus(signed, 0, "sign");
  assert.ok(signed.stdout.startsWith(`SIGNED  model "${model}"`), signed.stdout);
  await at.write({ [`${model}/fü ll.bin`]: "other" });
  const verify = named(VERIFY).map((arg) => arg === "model.sig" ? signature : arg);
  const { status, stdout } = await at.run(verify, { env });
  assert.equal(status, 1);
  assert.match(stdout, /^ {2}fü ll\.bin$/m);
});

test("the program's own words are plain ASCII, which every terminal shows", () => {
  const sources = ["cli", "core", "plugins"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts")).map((file) => join(folder, file))
  );
  const comments = /\/\*[\s\S]*?\*\/|(?:^|\s)\/\/.*$/gm;
  const others = sources.filter((file) =>
    /[^\n\x20-\x7e]/.test(readFileSync(join(ROOT, file), "utf8").replace(comments, ""))
  );
  // Names of devices on Windows, and a frame that a plugin has to pass over: nothing that is shown.
  const known = [join("core", "path.ts"), join("plugins", "exec", "contract.ts")];
  assert.deepEqual(others.sort(), known);
});
