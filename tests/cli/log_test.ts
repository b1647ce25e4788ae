import assert from "node:assert/strict";
import { link, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { openLog } from "../../cli/log.ts";
import { cli } from "../support/cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { snapshot } from "../support/snapshot.ts";
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

test("--log-level debug tells the whole story, with one set of names in text and JSON", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const signed = await cli([...SIGN, "--log-level", "debug"], { cwd });
  const story = signed.stderr.trimEnd().split("\n");
  for (
    const step of [
      "running command=sign method=key operand=model options=private-key,log-level ",
      "hashed path=config.json bytes=14 digest=",
      "enumerate done ms=",
      "hash done ms=",
      "sign.signature done ms=",
      "sign done ms=",
      "the signature is there place=model.sig bundle.bytes=",
      "run done ms=",
    ]
  ) assert.ok(story.some((line) => line.startsWith(`model-signing: debug: ${step}`)), step);

  await folder.write({ "model/new": "" });
  const args = [...VERIFY, "--log-level", "debug", "--log-format", "json"];
  const lines = (await cli(args, { cwd })).stderr.trimEnd().split("\n").map((line) =>
    JSON.parse(line)
  );
  const line = (message: string) => lines.find((each) => each.message === message);
  assert.equal(line("verifying").signature, "model.sig");
  assert.ok(line("trying public key")["key.hint"]);
  assert.equal(lines.find(({ path }) => path === "config.json").bytes, 14);
  assert.equal(line("hash done")["hash.method"], "files");
  assert.deepEqual(
    lines.flatMap(({ message, check }) => check ? [`${check} ${message.split(" ")[1]}`] : []),
    ["bundle passed", "key passed", "signature passed", "statement passed", "files failed"],
  );
  assert.equal(line("check failed")["error.type"], "FILE_UNSIGNED");
  const { verdict, "issue.codes": codes } = line("verify done");
  assert.deepEqual([verdict, codes], ["rejected", "FILE_UNSIGNED"]);
  const { verdict: told, "process.exit.code": status } = lines.at(-1);
  assert.deepEqual([told, status], ["rejected", 1]);
});

test("what a person is told is a line of the log's format on stderr, whatever the level", () => {
  for (const level of ["info", "silent"]) {
    const written: string[] = [];
    const open = (format: string) =>
      openLog({ "log-level": level, "log-format": format }, (text) => void written.push(text));
    open("text").tell("go to\nhttps://x\u001b[2J");
    open("json").tell("go to\nhttps://x");
    const [text, json] = written;
    assert.match(text!, /^go to\nhttps:\/\/x[^\u001b]+\n$/);
    const { time: _, ...line } = JSON.parse(json!);
    assert.deepEqual(line, { level: "info", message: "go to\nhttps://x" });
  }
});

test("a log file that is full is told of once, and its lines go to stderr", () => {
  if (process.platform !== "linux") return;
  const written: string[] = [];
  const settings = { "output-file": "/dev/full", "log-format": "json" };
  const { logger } = openLog(settings, (text) => void written.push(text));
  logger.log("info", "first");
  logger.log("info", "second");
  const lines = written.map((line) => JSON.parse(line));
  assert.deepEqual(lines.map(({ level }) => level), ["warn", "info", "info"]);
  assert.deepEqual(lines.slice(1).map(({ message }) => message), ["first", "second"]);
});

test("--log-format json writes every line of stderr as JSON, faults too", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const args = ["digest", "none", "--log-format", "json", "--log-level", "debug"];
  const { status, stderr } = await cli(args, { cwd });
  assert.equal(status, 3);
  const lines = stderr.trimEnd().split("\n").map((line) => JSON.parse(line));
  const fault = lines.find(({ level }) => level === "error");
  assert.equal(fault.code, "MODEL_NOT_FOUND");
  assert.equal(lines.at(-1)["error.type"], "MODEL_NOT_FOUND");
});

test("what fails before the arguments are understood is told in the format that they name", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const codes = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { status, stdout, stderr } = await cli(args, { cwd, env });
    assert.equal(stdout, "");
    return [status, ...stderr.trimEnd().split("\n").map((line) => JSON.parse(line).code)];
  };
  const json = ["--log-format", "json"];
  assert.deepEqual(await codes([...SIGN, "--bogus", ...json]), [2, "USAGE"]);
  assert.deepEqual(await codes(["--log_format=json"]), [2, "USAGE"]);
  assert.deepEqual(await codes(["sign"], { MODEL_SIGNING_LOG_FORMAT: "json" }), [2, "USAGE"]);
  const missing = ["digest", "model", "--plugin", "/none.js"];
  assert.deepEqual(await codes([...missing, ...json]), [3, "PLUGIN_NOT_FOUND"]);
  const last = await cli([...json, "--log-format", "text"], { cwd });
  assert.match(last.stderr, /^model-signing: error: /);
  const env = { MODEL_SIGNING_LOG_FORMAT: "json" };
  const text = await cli(["--log-format", "text"], { cwd, env });
  assert.match(text.stderr, /^model-signing: error: /);
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

test("--output-file is nothing of the model, and no other file that a run works with", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  assertStatus(await cli(SIGN, { cwd }), 0, "sign");
  await symlink("model", join(cwd, "alias"));
  await link(join(cwd, "key.pub"), join(cwd, "same"));
  await folder.write({ "o.json": "{}", "token": "secret" });
  const before = snapshot(cwd);
  for (const file of ["model/new.log", "./model/weights/../new.log", "alias/new.log"]) {
    for (const args of [SIGN, VERIFY, ["digest", "model"]]) {
      assertFault(await cli([...args, "--output-file", file], { cwd }), 2, "USAGE");
    }
  }
  const inModel = { cwd: join(cwd, "model") };
  const here = ["sign", "key", ".", "--private-key", "../key.pem", "--output-file", "sign.log"];
  assertFault(await cli(here, inModel), 2, "USAGE");
  const onto = ["digest", "model/config.json", "--output-file", "alias/config.json"];
  assertFault(await cli(onto, { cwd }), 2, "USAGE");
  for (const file of ["key.pem", "alias/../key.pem", "model.sig"]) {
    assertFault(await cli([...SIGN, "--output-file", file], { cwd }), 2, "USAGE");
  }
  for (const file of ["key.pub", "same", "model.sig"]) {
    const faulty = await cli([...VERIFY, "--output-file", file], { cwd });
    assertFault(faulty, 2, "USAGE");
    assert.match(faulty.stderr, /the file of --(?:public-key|signature)/);
  }
  const byDefault = ["sign", "key", "model", "--private-key", "key.pem"];
  assertFault(await cli([...byDefault, "--output-file", "model.sig"], { cwd }), 2, "USAGE");
  const json = ["digest", "model", "--json", "o.json", "--output-file", "o.json"];
  assertFault(await cli(json, { cwd }), 2, "USAGE");
  const token = ["sign", "model", "--identity-token", "@token", "--output-file", "token"];
  assertFault(await cli(token, { cwd }), 2, "USAGE");
  assert.deepEqual(snapshot(cwd), before);
  assert.equal((await cli([...SIGN, "--output-file", "sign.log"], { cwd })).status, 0);
  if (process.platform === "win32") return;
  // A device loses nothing, whatever else is read from there.
  const device = await cli(["digest", "/dev/null", "--output-file", "/dev/null"], { cwd });
  assertFault(device, 3, "MODEL_REFUSED");
});

test("--output-file is nothing of a layout", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  writeLayout(join(cwd, "lay:out"), { layers: [{ content: "x", title: "a" }], tag: "v1" });
  const before = snapshot(cwd);
  for (const reference of ["oci-layout:lay:out", "oci-layout:lay:out:v1", "oci-layout:lay:out@x"]) {
    for (const file of ["lay:out/index.json", "lay:out/new.log"]) {
      const args = ["digest", reference, "--output-file", file];
      assertFault(await cli(args, { cwd }), 2, "USAGE");
    }
  }
  assert.deepEqual(snapshot(cwd), before);
});

test("--output-file lies inside the model where that leaves it out", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await folder.write({ "model/.git/config": "", "model/logs/before.log": "" });
  for (
    const args of [
      ["--output-file", "model/.git/sign.log"],
      ["--output-file", "model/logs/sign.log", "--ignore-paths", "logs"],
      ["--output-file", "model/logs/sign.log", "--ignore-paths", "model/logs"],
      ["--output-file", "model/sign.log", "--ignore-paths", "sign.log,logs"],
    ]
  ) {
    assertStatus(await cli([...SIGN, ...args, "--log-level", "debug"], { cwd }), 0, args.join(" "));
    assertStatus(await cli([...VERIFY, ...args], { cwd }), 0, "verify");
  }
  const kept = ["--output-file", "model/.git/sign.log", "--no-ignore-git-paths"];
  assertFault(await cli([...SIGN, ...kept], { cwd }), 2, "USAGE");
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
