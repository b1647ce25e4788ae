/** The GitHub Action, run as a runner does, with a release on loopback. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { isInstalled, leftOutTest } from "../support/left_out.ts";
import { reportOf } from "../support/report.ts";
import { programScript, type Runner, startRunner, type Step, VERSION } from "./runner.ts";

const NATIVE = `model-signing-linux-${process.arch}`;

function actionTest(name: string, body: (runner: Runner) => Promise<void>): void {
  const missing = ["bash", "curl"].filter((command) => !isInstalled(command));
  if (missing.length > 0) return leftOutTest(name, `not installed: ${missing.join(", ")}`);
  test(name, async () => {
    await using runner = await startRunner();
    await body(runner);
  });
}

/** Asserts that a step was refused before anything was run, and why the log says so. */
function assertRefused({ status, log, output, summary }: Step, expected: number): void {
  assert.equal(status, expected, log);
  assert.match(log, /^::error title=model-signing::/m);
  assert.deepEqual([output, summary], ["", ""], log);
}

/** What of a log the runner obeys. */
function obeyed(log: string): string {
  return log.replace(/^::stop-commands::(\w+)$[\s\S]*?^::\1::$/m, "");
}

actionTest("the action signs and verifies, whatever the model is called", async (runner) => {
  await runner.release(NATIVE, programScript());
  // A flag, a second command, a command substitution, quotes: each ends up as a part of one name.
  const model = `--help; touch pwned $(touch pwned) '" \`touch pwned\``;
  await rename(join(runner.workspace, "model"), join(runner.workspace, model));
  const signed = await runner.step({
    ...{ command: "sign", method: "key", model, "private-key": "key.pem" },
    args: "--hash-algorithm=blake2b\n\n--ignore-paths=a; touch pwned\n",
  });
  assert.equal(signed.status, 0, signed.log);
  assert.equal(signed.outputs["signature"], "model.sig");
  const verified = await runner.step({
    ...{ command: "verify", method: "key", model, "public-key": "key.pub\r\n" },
    signature: "model.sig",
  });
  assert.equal(verified.status, 0, verified.log);
  const { verdict, report, binary, "root-digest": root } = verified.outputs;
  assert.equal(verdict, "verified");
  assert.match(root!, /^[0-9a-f]{64}$/);
  assert.equal(root, signed.outputs["root-digest"]);
  assert.equal(reportOf({ stdout: await readFile(report!, "utf8"), stderr: "" }).verdict, verdict);
  assert.ok(existsSync(binary!));
  assert.match(verified.summary, /^### model-signing verify: verified\n\n {4}VERIFIED /);
  assert.deepEqual(runner.fetched, [`v${VERSION}/${NATIVE}`], "fetched once, then found in place");
  await rename(join(runner.workspace, model), join(runner.workspace, "--help"));
  const inputs = {
    method: "key",
    model: "--help",
    "public-key": "key.pub",
    signature: "model.sig",
  };
  const flag = await runner.step(inputs);
  assert.equal(flag.outputs["verdict"], "verified", flag.log);
  const helped = await runner.step({ ...inputs, args: "--help" });
  assert.equal(helped.status, 3, helped.log);
  assert.equal(helped.outputs["verdict"], undefined);
  assert.ok(!(await readdir(runner.workspace)).includes("pwned"));
});

actionTest(
  "the action fails with a rejected model, and its files' names command nothing",
  async (runner) => {
    await runner.release(NATIVE, programScript());
    const key = { method: "key", model: "model", signature: "model.sig" };
    const signed = await runner.step({ ...key, command: "sign", "private-key": "key.pem" });
    assert.equal(signed.status, 0, signed.log);
    const names = [
      "```",
      "::set-output name=verdict::verified",
      "##[set-output name=verdict]verified",
      "x\nverdict=verified\n::error::x",
      "<script>",
    ];
    for (const name of names) await writeFile(join(runner.workspace, "model", name), "");
    const step = await runner.step({ ...key, "public-key": "key.pub" });
    assert.equal(step.status, 1, step.log);
    assert.equal(step.outputs["verdict"], "rejected");
    assert.equal(step.output.match(/^verdict=/gm)?.length, 1);
    const report = reportOf({
      stdout: await readFile(step.outputs["report"]!, "utf8"),
      stderr: "",
    });
    assert.equal(report.files.length, names.length);
    const [headline, ...lines] = step.summary.split("\n").filter((line) => line !== "");
    assert.equal(headline, "### model-signing verify: rejected");
    assert.ok(lines.every((line) => line.startsWith("    ")), step.summary);
    assert.equal(obeyed(step.log).match(/::|##\[/g)?.length, 2, "one ::error title=…:: is left");
  },
);

actionTest("the action runs nothing that has not the listed digest", async (runner) => {
  const marker = join(runner.workspace, "ran");
  await runner.release(NATIVE, `#!/bin/sh\ntouch '${marker}'\n`, "0".repeat(64));
  const inputs = { command: "verify", method: "key", model: "model" };
  assertRefused(await runner.step(inputs), 3);
  assert.deepEqual(runner.fetched, [`v${VERSION}/${NATIVE}`]);
  // What lies where the program goes is not believed, either.
  const RUNNER_TEMP = join(runner.workspace, "temp");
  const planted = join(RUNNER_TEMP, "model-signing", VERSION);
  await mkdir(planted, { recursive: true });
  await writeFile(join(planted, "model-signing"), `#!/bin/sh\ntouch '${marker}'\n`);
  assertRefused(await runner.step(inputs, { RUNNER_TEMP }), 3);
  const mirror = { ...inputs, "release-url": "http://user:hunter2@127.0.0.1:1" };
  const unreachable = await runner.step(mirror);
  assertRefused(unreachable, 3);
  assert.ok(!unreachable.log.includes("hunter2"), unreachable.log);
  assert.ok(!existsSync(marker));
  assert.deepEqual(await readdir(planted), ["model-signing"], "nothing half-fetched is left");
});

actionTest("the action installs the binary of each platform", async (runner) => {
  const platforms = [
    ["Linux", "X64", "model-signing-linux-x64"],
    ["Linux", "ARM64", "model-signing-linux-arm64"],
    ["macOS", "ARM64", "model-signing-darwin-arm64"],
    ["Windows", "X64", "model-signing-windows-x64.exe"],
  ] as const;
  for (const [RUNNER_OS, RUNNER_ARCH, name] of platforms) {
    await runner.release(name, `#!/bin/sh\nexit 0 # ${name}\n`);
    const { status, log, outputs, path } = await runner.step(
      { command: "install" },
      { RUNNER_OS, RUNNER_ARCH },
    );
    assert.equal(status, 0, log);
    const suffix = RUNNER_OS === "Windows" ? ".exe" : "";
    assert.equal(outputs["binary"], `${path.trim()}/model-signing${suffix}`);
    assert.match(await readFile(outputs["binary"]!, "utf8"), new RegExp(name));
  }
  assert.deepEqual(runner.fetched, platforms.map(([, , name]) => `v${VERSION}/${name}`));
});

actionTest(
  "the action refuses inputs that it cannot use, before it fetches anything",
  async (runner) => {
    const inputs = { command: "verify", method: "key", model: "model" };
    assertRefused(await runner.step({ ...inputs, version: VERSION }), 2);
    assertRefused(await runner.step(inputs), 2);
    await runner.release(NATIVE, "#!/bin/sh\nexit 0\n");
    const bad: readonly Readonly<Record<string, string>>[] = [
      { command: "verify; touch pwned" },
      { command: "" },
      { method: "--plugin=/tmp/x.js" },
      { model: "" },
      { model: "model\nverdict=verified" },
      { signature: "m.sig\rx" },
      { signature: "-" },
      { identity: "a\nb" },
      { version: "9.9.9" },
      { version: "../../x" },
      { command: "sign", method: "sigstore" },
    ];
    for (const each of bad) assertRefused(await runner.step({ ...inputs, ...each }), 2);
    for (const machine of [{ RUNNER_ARCH: "X86" }, { RUNNER_OS: "Plan 9" }]) {
      assertRefused(await runner.step(inputs, machine), 2);
    }
    assert.deepEqual(runner.fetched, []);
    const elsewhere = { ...inputs, "release-url": "http://127.0.0.1:1/--output%20x" };
    assertRefused(await runner.step(elsewhere), 3);
    assert.ok(!existsSync(join(runner.workspace, "pwned")));
  },
);
