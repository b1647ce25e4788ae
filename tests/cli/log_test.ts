import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { SIGN, VERIFY, workbench } from "../support/workbench.ts";

test("--log-level error prints no success text, but rejections and results", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const env = { MODEL_SIGNING_LOG_LEVEL: "CRITICAL" };
  const quiet = { status: 0, stdout: "", stderr: "" };
  assert.deepEqual(await cli(SIGN, { cwd, env }), quiet);
  assert.deepEqual(await cli(VERIFY, { cwd, env }), quiet);
  assert.match((await cli(["digest", "model"], { cwd, env })).stdout, /^sha256:/);
  await folder.write({ "model/new": "" });
  assert.match((await cli(VERIFY, { cwd, env })).stdout, /^REJECTED/);
});

test("--log-level silent leaves only the exit status and what was asked for as JSON", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await cli(SIGN, { cwd });
  await folder.write({ "model/new": "" });
  const silent = [...VERIFY, "--log-level", "silent"];
  assert.deepEqual(await cli(silent, { cwd }), { status: 1, stdout: "", stderr: "" });
  const json = await cli([...silent, "--format", "json"], { cwd });
  assert.equal(JSON.parse(json.stdout).verdict, "rejected");
  const missing = await cli(["digest", "none", "--log-level", "silent"], { cwd });
  assert.deepEqual(missing, { status: 3, stdout: "", stderr: "" });
});

test("--log-level debug traces the steps", async () => {
  await using folder = await workbench();
  const { stderr } = await cli(["digest", "model", "--log-level", "debug"], { cwd: folder.path });
  assert.match(stderr, /^model-signing: debug: hash done /m);
});

test("--log-format json writes every line of stderr as JSON, faults too", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const args = ["digest", "none", "--log-format", "json", "--log-level", "debug"];
  const { status, stderr } = await cli(args, { cwd });
  assert.equal(status, 3);
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  const fault = lines.at(-1);
  assert.equal(fault.level, "error");
  assert.equal(fault.code, "MODEL_NOT_FOUND");
});

test("--output-file takes the log and keeps what was there; faults are told on stderr, too", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await folder.write({ "run.log": "before\n" });
  const args = ["digest", "model", "--log-level", "debug", "--output-file", "run.log"];
  const good = await cli(args, { cwd });
  assert.equal(good.stderr, "");
  const bad = await cli(["digest", "none", "--output-file", "run.log"], { cwd });
  assert.match(bad.stderr, /\[MODEL_NOT_FOUND\]/);
  const log = await readFile(join(cwd, "run.log"), "utf8");
  assert.match(log, /^before\nmodel-signing: debug: /);
  assert.match(log, /MODEL_NOT_FOUND\s*$/);
});

test("--output-file that cannot be written ends with 3", async () => {
  await using folder = await workbench();
  const args = ["digest", "model", "--output-file", "none/run.log"];
  const { status, stderr } = await cli(args, { cwd: folder.path });
  assert.equal(status, 3);
  assert.match(stderr, /\[FILE_UNWRITABLE\]/);
});

test("a password is never written, whatever goes wrong with it", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const env = { MODEL_SIGNING_PASSWORD: "correct horse" };
  const args = ["sign", "key", "model", "--private-key", "locked.pem", "--log-level", "debug"];
  for (const extra of [[], ["--password", "correct horse"], ["--jobs", "x"]]) {
    const { status, stdout, stderr } = await cli([...args, ...extra], { cwd, env });
    assert.notEqual(status, 0);
    assert.ok(!`${stdout}${stderr}`.includes("correct horse"));
  }
});
