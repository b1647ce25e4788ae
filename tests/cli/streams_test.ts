import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, open, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type ColorChoice, colorChoice } from "../../cli/io.ts";
import { cli, kill, programCommand, programEnvironment } from "../support/cli.ts";
import { onTerminal } from "../support/pty.ts";
import { OLD_SIGNATURE, SIGN, workbench } from "../support/workbench.ts";

/** So large that hashing goes on until it is interrupted; takes no space on the disk. */
async function hugeModel(path: string): Promise<void> {
  await mkdir(path);
  await using file = await open(join(path, "weights.bin"), "w");
  await file.truncate(2 ** 40);
}

function shell(script: string, cwd: string) {
  const words = programCommand().map((word) => `'${word}'`).join(" ");
  return spawnSync("sh", ["-c", script.replaceAll("PROGRAM", words)], {
    cwd,
    env: programEnvironment(),
    encoding: "utf8",
  });
}

test("a reader that closes the pipe is no error", async () => {
  await using folder = await workbench();
  const files = Object.fromEntries(
    [...Array(600).keys()].map((index) => [`model/${"n".repeat(200)}${index}`, "x"]),
  );
  await folder.write(files);
  const script = "{ PROGRAM digest model --files; echo status $? >&2; } | head -n 1";
  const { stdout, stderr } = shell(script, folder.path);
  assert.match(stdout, /^sha256:[0-9a-f]{64}\n$/);
  assert.equal(stderr, "status 0\n");
});

test("a full disk under stdout ends with 3", async () => {
  await using folder = await workbench();
  const { status, stderr } = shell("PROGRAM digest model > /dev/full", folder.path);
  assert.equal(status, 3);
  assert.match(stderr, /\[FILE_UNWRITABLE\]/);
});

test("SIGTERM ends hashing with 3 and leaves the old signature", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await folder.write({ "model.sig": OLD_SIGNATURE });
  await hugeModel(join(cwd, "huge"));
  const before = await readdir(cwd);
  const args = ["sign", "key", "huge", "--private-key", "key.pem", "--log-level", "debug"];
  const { status, stdout, stderr } = await cli(args, {
    cwd,
    step: { after: "enumerate done", act: kill("SIGTERM") },
  });
  assert.equal(status, 3);
  assert.equal(stdout, "");
  assert.match(stderr, /\[ABORTED\]/);
  assert.equal(await readFile(join(cwd, "model.sig"), "utf8"), OLD_SIGNATURE);
  assert.deepEqual(await readdir(cwd), before);
});

test("SIGINT at the terminal ends hashing with 3 and takes the progress line away", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  await hugeModel(join(cwd, "huge"));
  const result = await onTerminal(["digest", "huge"], {
    cwd,
    steps: [{ after: "hashing", signal: "SIGINT" }],
  });
  assert.equal(result.status, 3);
  assert.match(result.terminal, /\r\x1b\[Kmodel-signing: error: .*SIGINT \[ABORTED\]\r\n$/);
  assert.equal(result.stdout, "");
});

test("a progress line is drawn on a terminal only, and is gone at the end", async () => {
  await using folder = await workbench();
  const cwd = folder.path;
  const shown = await onTerminal(["digest", "model"], { cwd, columns: 60 });
  assert.equal(shown.status, 0);
  assert.match(shown.terminal, /hashing/);
  assert.ok(shown.terminal.endsWith("\r\x1b[K"));
  for (const line of shown.terminal.split("\r")) {
    assert.ok(line.replaceAll("\x1b[K", "").length < 60, line);
  }
  const dumb = await onTerminal(["digest", "model"], { cwd, env: { TERM: "dumb" } });
  assert.equal(dumb.terminal, "");
  const off = await onTerminal(["digest", "model", "--no-progress"], { cwd });
  assert.equal(off.terminal, "");
  assert.equal((await cli(["digest", "model"], { cwd })).stderr, "");
});

test("colorChoice() follows NO_COLOR, FORCE_COLOR and TERM, in this order", () => {
  const cases: readonly (readonly [Readonly<Record<string, string>>, ColorChoice])[] = [
    [{}, "on a terminal"],
    [{ TERM: "xterm", NO_COLOR: "", FORCE_COLOR: "" }, "on a terminal"],
    [{ TERM: "dumb" }, "never"],
    [{ NO_COLOR: "1", FORCE_COLOR: "1" }, "never"],
    [{ FORCE_COLOR: "1", TERM: "dumb" }, "always"],
    [{ FORCE_COLOR: "0" }, "never"],
  ];
  for (const [env, expected] of cases) assert.equal(colorChoice(env), expected);
});

test("colours appear on a terminal, unless NO_COLOR is set, and in a pipe with FORCE_COLOR", async () => {
  await using folder = await workbench();
  const options = { cwd: folder.path, stdout: "terminal" } as const;
  const args = [...SIGN, "--no-progress"];
  const plain = await onTerminal(args, options);
  assert.ok(!plain.terminal.includes("\x1b"));
  const coloured = await onTerminal(args, { ...options, env: { NO_COLOR: "" } });
  assert.match(coloured.terminal, /^\x1b\[32mSIGNED\x1b\[0m/);
  const forced = await cli(args, { cwd: folder.path, env: { NO_COLOR: "", FORCE_COLOR: "1" } });
  assert.match(forced.stdout, /^\x1b\[32mSIGNED\x1b\[0m/);
});

test("a signature can come through a pipe, and - reads it", async () => {
  await using folder = await workbench();
  const sign = "PROGRAM sign key model --private-key key.pem --signature -";
  const verify = "PROGRAM verify key model --public-key key.pub --signature -";
  const verified = shell(`${sign} 2>/dev/null | ${verify}`, folder.path);
  assert.equal(verified.status, 0, verified.stderr);
  assert.match(verified.stdout, /^VERIFIED/);
  const inspected = shell(`${sign} 2>/dev/null | PROGRAM inspect -`, folder.path);
  assert.equal(inspected.status, 0, inspected.stderr);
});

test("a signature that nobody reads is not written", async () => {
  await using folder = await workbench();
  const sign = "PROGRAM sign key model --private-key key.pem --signature -";
  const { stderr } = shell(`{ ${sign}; echo status $? >&2; } | :`, folder.path);
  assert.match(stderr, /\[FILE_UNWRITABLE\]\nstatus 3\n$/);
});

test("a signature on stdin that is empty or too large is rejected", async () => {
  await using folder = await workbench();
  const verify = "PROGRAM verify key model --public-key key.pub --signature - --format json";
  const codes = (input: string) => {
    const { status, stdout } = shell(`${input} | ${verify}`, folder.path);
    assert.equal(status, 1);
    return JSON.parse(stdout).issues.map(({ code }: { code: string }) => code);
  };
  assert.deepEqual(codes("printf ''"), ["BUNDLE_MALFORMED"]);
  assert.deepEqual(codes("head -c 300000000 /dev/zero"), ["BUNDLE_TOO_LARGE"]);
});
