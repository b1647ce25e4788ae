/** Commands that a plugin brings. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { cli, sourceCommand } from "../support/cli.ts";
import { assertFault, assertStatus, type Outcome } from "../support/outcome.ts";

const program = sourceCommand("tests/support/example_program.ts");

function example(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return cli(args, { program, env });
}

test("a plugin's command gets its settings, its operand and the timeout, if one was given", async () => {
  const plain = await example(["echo", "hello", "--mood", "loud", "--log-level", "debug"]);
  assertStatus(plain, 0, "echo");
  assert.deepEqual(JSON.parse(plain.stdout), { settings: { mood: "loud" }, operand: "hello" });
  const bounded = await example(["echo", "hello", "-t", "2m"]);
  assert.deepEqual(JSON.parse(bounded.stdout), {
    settings: {},
    operand: "hello",
    timeout: 120_000,
  });
});

test("a plugin's command takes operand and options from JSON and the environment", async () => {
  const { stdout, stderr } = await example(
    ["echo", "--json", '{"text": "hello", "mood": "calm"}'],
    {
      MODEL_SIGNING_TOKEN: "hunter2",
      MODEL_SIGNING_TIMEOUT: "30",
    },
  );
  assert.deepEqual(JSON.parse(stdout), {
    settings: { mood: "calm", token: "[redacted]" },
    operand: "hello",
    timeout: 30_000,
  }, stderr);
});

test("a plugin's command without its operand, with two, or with none to take is misused", async () => {
  for (
    const args of [
      ["echo"],
      ["echo", ""],
      ["echo", "a", "b"],
      ["desk", "open"],
      ["desk", "ask", "a"],
    ]
  ) {
    assertFault(await example(args), 2, "USAGE");
  }
});

test("a plugin's family of commands without a known one is misused, and names them", async () => {
  for (const args of [["desk"], ["desk", "shut"], ["desk", "--fallback"]]) {
    const outcome = await example(args);
    assertFault(outcome, 2, "USAGE");
    assert.equal(outcome.stdout, "");
  }
  assert.match((await example(["desk"])).stderr, /ask, confirm, open; .*desk ask\n$/);
  assert.match((await example(["desk", "opn"])).stderr, /did you mean open/);
});

test("help shows a plugin's commands, options and examples", async () => {
  const pages: readonly (readonly [readonly string[], readonly string[]])[] = [
    [["--help"], ["desk   ", "echo   "]],
    [["desk", "--help"], ["Usage: model-signing desk COMMAND [OPTIONS]", "ask   ", "confirm   "]],
    [["help", "desk", "open"], [
      "desk open [OPTIONS] URL",
      "The address",
      "--fallback",
      "desk open h",
    ]],
    [["echo", "-h"], ["echo [OPTIONS] TEXT", "MODEL_SIGNING_TOKEN"]],
  ];
  for (const [args, parts] of pages) {
    const { status, stdout } = await example(args);
    assert.equal(status, 0);
    for (const part of parts) assert.ok(stdout.includes(part), `${part} in ${stdout}`);
  }
});

for (const shell of ["bash", "zsh", "fish", "pwsh", "nu"]) {
  test(`completion for ${shell} knows a plugin's commands and options`, async () => {
    const complete = async (...line: readonly string[]) =>
      (await example(["completion", shell, ...line])).stdout;
    assert.match(await complete("de"), /desk/);
    assert.match(await complete("desk", ""), /ask[^]*confirm[^]*open/);
    assert.match(await complete("desk", "open", "--fa"), /--fallback/);
    assert.match(await complete("echo", "--mood", ""), /calm[^]*loud/);
  });
}

test("completion never repeats a secret", async () => {
  for (const line of [["--token", "hunter2"], ["--token=hunter2"], ["text", "--tken=hunter2"]]) {
    const { stdout, stderr } = await example(["completion", "bash", "echo", ...line]);
    assert.ok(!`${stdout}${stderr}`.includes("hunter2"), line.join(" "));
  }
});

test("a usage error never repeats a secret", async () => {
  const token = ["--token", "hunter2"];
  for (
    const args of [
      ["echo", "text", ...token, ...token],
      ["echo", "text", ...token, "--frob"],
      ["echo", ...token],
      ["echo", "text", ...token, "--mood", "sad"],
      ["desk", "ask", ...token],
      ["desk", ...token],
      [...token, "echo", "text"],
      [...token, "ecko", "text"],
      ["echo", "text", "--token=hunter2", "--token"],
      ["echo", "text", "--tken=hunter2"],
      ["echo", "text", "--tken", "hunter2"],
      ["digest", "text", ...token],
      ["echo", "text", "--json", '{"token": ["hunter2"]}'],
      ["echo", "text", "--json", '{"token": "hunter2"'],
    ]
  ) {
    const outcome = await example(args);
    assertFault(outcome, 2, "USAGE");
    assert.ok(!outcome.stderr.includes("hunter2"), outcome.stderr);
  }
});

test("a plugin cannot displace a built-in command", async () => {
  const { status, stdout } = await example(["digest", "--help"]);
  assert.equal(status, 0);
  assert.match(stdout, /root digest/);
});

test("a plugin tells an address when there is no browser to open it", async () => {
  const env = { DISPLAY: "", WAYLAND_DISPLAY: "", SSH_CONNECTION: "x" };
  const { status, stdout } = await example(["desk", "open", "https://example.com/"], env);
  assert.equal(status, 3);
  assert.equal(stdout, "false\n");
});
