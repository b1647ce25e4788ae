import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { cli, programCommand, programEnvironment, sourceCommand } from "../support/cli.ts";
import { onTerminal, type TerminalStep } from "../support/pty.ts";
import { workbench } from "../support/workbench.ts";

const EXAMPLE = sourceCommand("tests/support/example_program.ts");
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

test("a plugin asks for a line with echo and for a secret without, one after the other", async () => {
  await using folder = await workbench();
  const result = await onTerminal(["desk", "ask"], {
    cwd: folder.path,
    program: EXAMPLE,
    stdin: "nothing",
    steps: [
      { after: "Name: ", send: "nobody\x15Alixx\x7f\x7f\x1b[Dce\u202e\r" },
      { after: "Secret: ", send: "hunter2\r" },
    ],
  });
  assert.equal(result.status, 0, result.terminal);
  assert.deepEqual(JSON.parse(result.stdout), ["Alice\u202e", "hunter2"]);
  assert.ok(result.terminal.includes("Alixx\b \b\b \bce\\u{202e}"), result.terminal);
  assert.ok(!result.terminal.includes("hunter"));
  assert.ok(result.echoes);
});

test("confirm() takes yes, no and an empty line for no, and asks again after anything else", async () => {
  await using folder = await workbench();
  const sure = "Sure? [y/N] ";
  const really = "Really? [y/N] ";
  for (
    const [steps, answers] of [
      [[[sure, "maybe"], [sure, "YES"], [really, ""]], [true, false]],
      [[[sure, "n"], [really, "yep"], [really, "y"]], [false, true]],
      [[[sure, " No "], [really, "yes"]], [false, true]],
    ] as const
  ) {
    const result = await onTerminal(["desk", "confirm"], {
      cwd: folder.path,
      program: EXAMPLE,
      steps: steps.map(([after, answer]) => ({ after, send: `${answer}\r` })),
    });
    assert.equal(result.status, 0, result.terminal);
    assert.deepEqual(JSON.parse(result.stdout), answers);
  }
});

test("Ctrl-C at any question ends with 3 and restores the terminal", async () => {
  await using folder = await workbench();
  const result = await onTerminal(["desk", "confirm"], {
    cwd: folder.path,
    program: EXAMPLE,
    steps: [{ after: "Sure? [y/N] ", send: "y\r" }, { after: "Really? [y/N] ", send: "y\x03" }],
  });
  assert.equal(result.status, 3);
  assert.match(result.terminal, /\[ABORTED\]/);
  assert.ok(result.echoes);
});

test("tell() writes where the questions are, line by line and escaped, also when stderr is not there", async () => {
  await using folder = await workbench();
  const options = {
    cwd: folder.path,
    program: EXAMPLE,
    steps: [{ after: "Sure? [y/N] ", send: "n\r" }, { after: "Really? [y/N] ", send: "n\r" }],
  } as const;
  const args = ["desk", "confirm", "--text", "first\nsecond \x1b[31mline"];
  for (const stderr of ["terminal", "nothing"] as const) {
    const { status, terminal } = await onTerminal(args, { ...options, stderr });
    assert.equal(status, 0, terminal);
    assert.ok(terminal.startsWith("first\r\nsecond \\u{1b}[31mline\r\nSure? "), terminal);
  }
});

test("without a terminal nobody can be asked; what is told goes to stderr", async () => {
  await using folder = await workbench();
  const command = [...EXAMPLE, "desk", "confirm", "--text", "what is asked"];
  const { status, stdout, stderr } = spawnSync("setsid", ["--wait", ...command], {
    cwd: folder.path,
    env: programEnvironment(),
    encoding: "utf8",
  });
  assert.equal(status, 3);
  assert.equal(stdout, "");
  assert.match(stderr, /^what is asked\n.*\[INTERACTION_UNAVAILABLE\]\n$/);
});
