/** Settings, keys and signatures that come through pipes, and pipes that nobody writes. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { cli, type CliOptions, kill, programCommand } from "../support/cli.ts";
import type { Outcome } from "../support/outcome.ts";
import { onTerminal } from "../support/pty.ts";
import { type Workbench, workbench } from "../support/workbench.ts";

const DIGEST = /^sha256:[0-9a-f]{64}\n$/;

/** A bench with a FIFO. */
async function benchWithPipe(): Promise<Workbench & { readonly pipe: string }> {
  const bench = await workbench();
  const pipe = join(bench.path, "pipe");
  execFileSync("mkfifo", [pipe]);
  return { ...bench, pipe };
}

function assertAborted({ status, stdout, stderr }: Outcome): void {
  assert.equal(status, 3, stderr);
  assert.equal(stdout, "");
  assert.match(stderr, /^model-signing: error: aborted by SIGINT \[ABORTED\]$/m);
}

/** Interrupts the program once it has opened the pipe, into which a text is written before. */
async function interrupted(
  args: readonly string[],
  { path: cwd, pipe }: Awaited<ReturnType<typeof benchWithPipe>>,
  { text, ends }: { readonly text: string; readonly ends: boolean },
): Promise<Outcome> {
  const { promise: pid, resolve: started } = Promise.withResolvers<number>();
  const running = cli(args, { cwd, started, stdinStaysOpen: true });
  // Whoever opens a FIFO for writing waits for its reader.
  const ended = running.then(({ stderr }) => assert.fail(stderr));
  await using writer = await Promise.race([open(pipe, "w"), ended]);
  ended.catch(() => {});
  await writer.write(text);
  if (ends) await writer.close();
  kill("SIGINT")(await pid);
  return await running;
}

test("SIGINT ends waiting for settings and keys from a pipe whose writer pauses", async () => {
  await using bench = await benchWithPipe();
  const pauses = { text: "{", ends: false };
  assertAborted(await interrupted(["digest", "model", "--json", "pipe"], bench, pauses));
  const sign = ["sign", "key", "model", "--private-key", "pipe"];
  assertAborted(await interrupted(sign, bench, pauses));
});

test("SIGINT ends waiting for settings from stdin", async () => {
  await using bench = await benchWithPipe();
  // The first of them tells when the program is about to read the second.
  const args = ["digest", "model", "--json", "pipe", "--json", "-"];
  assertAborted(await interrupted(args, bench, { text: "{}", ends: true }));
});

const WAITING: Readonly<Record<string, readonly string[]>> = {
  "a private key from a pipe without a writer": ["sign", "key", "model", "--private-key", "pipe"],
  "a public key from a pipe without a writer": [
    ...["verify", "key", "model", "--public-key", "pipe", "--signature", "model.sig"],
  ],
  "a signature on stdin": ["verify", "key", "model", "--public-key", "key.pub", "--signature", "-"],
  "a signature to inspect on stdin": ["inspect", "-"],
  "a password on stdin": [
    ...["discover", "oci://127.0.0.1:1/model:v1", "--registry-username", "ada"],
    "--registry-password-stdin",
  ],
};

for (const [what, args] of Object.entries(WAITING)) {
  test(`SIGINT ends waiting for ${what}`, async () => {
    await using bench = await benchWithPipe();
    const options: CliOptions = {
      cwd: bench.path,
      stdinStaysOpen: true,
      step: { after: "running", act: kill("SIGINT") },
    };
    assertAborted(await cli([...args, "--log-level", "debug"], options));
  });
}

test("settings and keys come through pipes of every kind", async () => {
  await using bench = await workbench();
  const words = programCommand().map((word) => `'${word}'`).join(" ");
  const run = (script: string) =>
    cli([], {
      cwd: bench.path,
      program: ["bash", "-c", script.replaceAll("PROGRAM", words)],
      stdin: '{"model": "model"}',
    });
  for (
    const script of [
      "PROGRAM digest --json -",
      "cat | PROGRAM digest --json -",
      "cat | PROGRAM digest --json /dev/stdin",
      "cat | PROGRAM digest --json /dev/fd/5 5<&0",
      "cat > f; PROGRAM digest --json - < f",
      "cat > f; PROGRAM digest --json <(sleep 0.1; cat f)",
    ]
  ) {
    const { status, stdout, stderr } = await run(script);
    assert.equal(status, 0, `${script}: ${stderr}`);
    assert.match(stdout, DIGEST);
  }
  const sign = "PROGRAM sign key model --signature model.sig --private-key";
  for (const key of ["<(cat key.pem)", "/dev/stdin < key.pem", "/dev/fd/5 5< <(cat key.pem)"]) {
    const { status, stderr } = await run(`${sign} ${key}`);
    assert.equal(status, 0, `${key}: ${stderr}`);
  }
  assert.match((await run(`${sign} <(true)`)).stderr, /\[KEY_MALFORMED\]/);
});

test("settings come through a pipe that is not to be waited for (O_NONBLOCK)", async () => {
  await using bench = await workbench();
  const script = `
import os, subprocess, sys, time
reading, writing = os.pipe()
os.set_blocking(reading, False)
child = subprocess.Popen(sys.argv[1:], stdin=reading, close_fds=True)
for part in (b'{"model":', b' "model"}'):
    time.sleep(0.5)
    os.write(writing, part)
os.close(writing)
sys.exit(child.wait())
`;
  const { status, stdout, stderr } = await cli(["digest", "--json", "-"], {
    cwd: bench.path,
    program: ["python3", "-c", script, ...programCommand()],
  });
  assert.equal(status, 0, stderr);
  assert.match(stdout, DIGEST);
});

test("settings that are typed are read to their end, and a password can be asked for after it", async () => {
  await using bench = await workbench();
  const { status, terminal } = await onTerminal(["sign", "key", "--json", "-"], {
    cwd: bench.path,
    steps: [
      { after: "", send: '{"model": "model", "private_key": "locked.pem"}\n\x04', echoed: true },
      { after: "Password", send: "hunter2\r" },
    ],
  });
  assert.equal(status, 0, terminal);
});

test("settings on stdin have a limit", async () => {
  await using bench = await workbench();
  const stdin = "x".repeat(2 ** 20 + 1);
  const { status, stderr } = await cli(["digest", "--json", "-"], { cwd: bench.path, stdin });
  assert.equal(status, 3);
  assert.match(stderr, /cannot read --json on stdin: .* 1048576 bytes \[FILE_UNREADABLE\]/);
});
