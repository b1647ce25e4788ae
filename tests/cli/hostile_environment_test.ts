import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compiledBinary } from "../support/binary.ts";
import { cli, programEnvironment } from "../support/cli.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

/** Everything that a JavaScript runtime might read from the folder it is started in. */
function traps(prefix: string, mark: string): Record<string, string> {
  const code = `require("node:fs").writeFileSync(${JSON.stringify(mark)}, "")`;
  const modules = ["hash-wasm", "@optique/core", "@napi-rs/blake-hash-linux-x64-gnu", "trap"];
  return {
    [`${prefix}bunfig.toml`]: 'preload = ["./trap.ts"]\n[run]\npreload = ["./trap.ts"]\n',
    [`${prefix}trap.ts`]: code,
    [`${prefix}.env`]: "MODEL_SIGNING_HASH_ALGORITHM=blake2b\nMODEL_SIGNING_LOG_LEVEL=debug\n",
    [`${prefix}package.json`]: '{"type": "commonjs", "imports": {"#x": "./trap.ts"}}',
    [`${prefix}deno.json`]: '{"imports": {"@optique/core": "./trap.ts"}}',
    [`${prefix}tsconfig.json`]: '{"compilerOptions": {"paths": {"*": ["./trap.ts"]}}}',
    ...Object.fromEntries(
      modules.flatMap((name) => [
        [`${prefix}node_modules/${name}/index.js`, code],
        [`${prefix}node_modules/${name}/package.json`, `{"name": "${name}", "main": "index.js"}`],
      ]),
    ),
  };
}

test("the binary reads no configuration and runs no code from the model or the current folder", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  // The source would do on Deno; Bun's own runtime reads bunfig.toml by design.
  const binary = compiledBinary();
  const mark = join(cwd, "trapped");
  await folder.write({ ...traps("", mark), ...traps("model/", mark) });
  const env = programEnvironment({ NODE_PATH: join(cwd, "node_modules") });
  const run = (args: readonly string[]) => spawnSync(binary, args, { cwd, env, encoding: "utf8" });
  const plain = ["version"];
  for (const args of [plain, SIGN, VERIFY, ["digest", "model", "--hash-algorithm", "blake3"]]) {
    const { status, stderr } = run(args);
    assert.equal(status, 0, `${args.join(" ")}: ${stderr}`);
    // The log level of .env would show here.
    assert.equal(stderr, "", args.join(" "));
  }
  assert.ok(!existsSync(mark));
  const { statement } = JSON.parse(run(["inspect", "model.sig", "--format", "json"]).stdout);
  assert.equal(statement.serialization.hashType, "sha256");
});

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
