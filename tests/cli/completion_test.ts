import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import process from "node:process";
import { cli, programCommand } from "../support/cli.ts";
import { leftOutTest } from "../support/left_out.ts";
import { workbench } from "../support/workbench.ts";

async function suggestions(...words: readonly string[]): Promise<string> {
  const { status, stdout } = await cli(["completion", "bash", ...words]);
  assert.equal(status, 0);
  return stdout;
}

test("completion knows commands, methods, flags, values and paths", async () => {
  const first = await suggestions("");
  for (const command of ["sign", "verify", "digest", "inspect", "version"]) {
    assert.ok(first.includes(command), command);
  }
  const methods = await suggestions("verify", "");
  for (const method of ["key", "certificate"]) {
    assert.ok(methods.includes(method), method);
  }
  const flags = await suggestions("sign", "key", "model", "--");
  for (const flag of ["--private-key", "--signature", "--no-ignore-git-paths", "--log-level"]) {
    assert.ok(flags.includes(flag), flag);
  }
  assert.match(await suggestions("digest", "--hash-algorithm", "bl"), /blake2b\s+blake3/);
  assert.match(await suggestions("sign", "key", "--private-key", ""), /__FILE__:file/);
});

async function completionScript(shell: string): Promise<string> {
  const { status, stdout } = await cli(["completion", shell]);
  assert.equal(status, 0);
  assert.ok(stdout.includes("model-signing"));
  return stdout;
}

for (const [shell, check] of [["bash", "-n"], ["zsh", "-n"], ["fish", "--no-execute"]] as const) {
  const name = `completion gives a script that ${shell} accepts`;
  if (spawnSync(shell, ["-c", "true"]).status !== 0) leftOutTest(name, `${shell} is not installed`);
  else {
    test(name, async () => {
      const input = await completionScript(shell);
      const checked = spawnSync(shell, [check, "/dev/stdin"], { input, encoding: "utf8" });
      assert.equal(checked.status, 0, checked.stderr);
    });
  }
}

test("completion gives a script for PowerShell", async () => {
  assert.match(await completionScript("pwsh"), /Register-ArgumentCompleter/);
});

test("completion works in a real bash", async () => {
  await using folder = await workbench();
  const program = join(folder.path, "bin", "model-signing");
  const words = programCommand().map((word) => `'${word}'`).join(" ");
  await folder.write({ "bin/model-signing": `#!/bin/sh\nexec ${words} "$@"\n` });
  await chmod(program, 0o755);
  const script = [
    'eval "$(model-signing completion bash)"',
    "COMP_WORDS=(model-signing verify cert)",
    "COMP_CWORD=2",
    "_model-signing",
    'printf "%s\\n" "${COMPREPLY[@]}"',
  ].join("\n");
  const { stdout, stderr } = spawnSync("bash", ["-c", script], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${join(folder.path, "bin")}:${process.env["PATH"]}` },
  });
  assert.equal(stdout.trim(), "certificate", stderr);
});

test("completion refuses a shell that it does not know", async () => {
  const { status, stderr } = await cli(["completion", "tcsh"]);
  assert.equal(status, 2);
  assert.match(stderr, /\[USAGE\]/);
});
