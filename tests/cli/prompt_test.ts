import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { cli, programCommand, programEnvironment } from "../support/cli.ts";
import { onTerminal, type TerminalStep } from "../support/pty.ts";
import { workbench } from "../support/workbench.ts";

const SIGN = ["sign", "key", "model", "--private-key", "locked.pem"];

test("sign asks for a password without echo, and corrects typing errors", async () => {
  await using folder = await workbench();
  const result = await onTerminal(SIGN, {
    cwd: folder.path,
    steps: [{ after: "locked.pem", send: "nonsense\x15hunterx\x7f\x1b[D2\r" }],
  });
  assert.equal(result.status, 0, result.terminal);
  assert.match(result.stdout, /^SIGNED/);
  assert.ok(!/nonsense|hunter/.test(result.terminal));
  assert.ok(result.echoes);
});

test("sign asks at the terminal even when stdin is something else", async () => {
  await using folder = await workbench();
  const result = await onTerminal(SIGN, {
    cwd: folder.path,
    stdin: "nothing",
    steps: [{ after: "locked.pem", send: "hunter2\r" }],
  });
  assert.equal(result.status, 0, result.terminal);
});

test("sign refuses a wrong password with a code of its own", async () => {
  await using folder = await workbench();
  const result = await onTerminal(SIGN, {
    cwd: folder.path,
    steps: [{ after: "locked.pem", send: "wrong\r" }],
  });
  assert.equal(result.status, 3);
  assert.match(result.terminal, /\[KEY_PASSWORD_WRONG\]/);
});

const AFTER = "locked.pem";
const WAYS_OUT: Readonly<Record<string, TerminalStep>> = {
  "Ctrl-C": { after: AFTER, send: "hun\x03" },
  "Ctrl-D": { after: AFTER, send: "\x04" },
  SIGINT: { after: AFTER, signal: "SIGINT" },
  SIGTERM: { after: AFTER, signal: "SIGTERM" },
};

for (const [name, step] of Object.entries(WAYS_OUT)) {
  test(`${name} at the prompt ends with 3 and restores the terminal`, async () => {
    await using folder = await workbench();
    const result = await onTerminal(SIGN, { cwd: folder.path, steps: [step] });
    assert.equal(result.status, 3);
    assert.match(result.terminal, /\[ABORTED\]/);
    assert.ok(result.echoes);
  });
}

test("--timeout bounds the wait for a password", async () => {
  await using folder = await workbench();
  const result = await onTerminal([...SIGN, "-t", "1"], { cwd: folder.path });
  assert.equal(result.status, 3);
  assert.match(result.terminal, /\[ABORTED\]/);
  assert.ok(result.echoes);
});

test("sign takes the password from the environment, a file and the command line", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await folder.write({ "password.txt": "hunter2\n" });
  const env = { MODEL_SIGNING_PASSWORD: "hunter2" };
  assert.equal((await cli(SIGN, { cwd, env })).status, 0);
  assert.equal((await cli([...SIGN, "--password-file", "password.txt"], { cwd })).status, 0);
  assert.equal((await cli([...SIGN, "--password", "hunter2"], { cwd })).status, 0);
});

test("without a terminal the password cannot be asked for, and nothing hangs", async () => {
  await using folder = await workbench();
  // A session of its own has no controlling terminal, wherever the tests are started from.
  const { status, stderr } = spawnSync("setsid", ["--wait", ...programCommand(), ...SIGN], {
    cwd: folder.path,
    env: programEnvironment(),
    encoding: "utf8",
  });
  assert.equal(status, 3);
  assert.match(stderr, /\[(?:INTERACTION_UNAVAILABLE|KEY_PASSWORD_MISSING)\]/);
});
