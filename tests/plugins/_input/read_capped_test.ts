import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { mkdir, open, truncate } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { ErrorCode } from "../../../core/errors.ts";
import { MAX_KEY_FILE_BYTES } from "../../../core/limits.ts";
import { readCapped } from "../../../plugins/_input/mod.ts";
import { runtimeCommand } from "../../support/cli.ts";
import { type Workbench, workbench } from "../../support/workbench.ts";

const MODULE = fileURLToPath(new URL("../../../plugins/_input/mod.ts", import.meta.url));

async function refused(reading: Promise<unknown>, code: ErrorCode): Promise<void> {
  await assert.rejects(reading, { name: "ModelSigningError", code });
}

function pipeIn({ path }: Workbench): string {
  const pipe = join(path, "pipe");
  execFileSync("mkfifo", [pipe]);
  return pipe;
}

/** Writes a pipe in a process of its own, as a process substitution does. */
function written(pipe: string, script: string): Promise<unknown> {
  const feeding = spawn("sh", ["-c", `${script} > "$0"`, pipe], { stdio: "ignore" });
  return new Promise((resolve) => feeding.on("close", resolve));
}

test("readCapped() reads up to the limit and no further", async () => {
  await using bench = await workbench();
  const path = join(bench.path, "file");
  await bench.write({ file: "" });
  assert.equal((await readCapped(path, "file", 10)).length, 0);
  await truncate(path, MAX_KEY_FILE_BYTES);
  const { length } = await readCapped(path, "file", MAX_KEY_FILE_BYTES);
  assert.equal(length, MAX_KEY_FILE_BYTES);
  for (const size of [MAX_KEY_FILE_BYTES + 1, 8 * 1024 ** 4]) {
    await truncate(path, size);
    await refused(readCapped(path, "file", MAX_KEY_FILE_BYTES), "FILE_UNREADABLE");
  }
  await refused(readCapped("/dev/zero", "file", 100), "FILE_UNREADABLE");
  await mkdir(join(bench.path, "folder"));
  await refused(readCapped(join(bench.path, "folder"), "file", 10), "FILE_UNREADABLE");
});

test("readCapped() leaves nothing open when it is aborted while it opens", async () => {
  if (process.platform !== "linux") return;
  await using bench = await workbench();
  const path = join(bench.path, "key.pem");
  const opened = () => readdirSync("/proc/self/fd").length;
  await readCapped(path, "file", 1000);
  const before = opened();
  for (let count = 0; count < 200; count++) {
    const abort = new AbortController();
    const reading = readCapped(path, "file", 1000, { signal: abort.signal });
    for (let turns = 0; turns < count % 5; turns++) await Promise.resolve();
    setImmediate(() => abort.abort());
    await reading.catch((error) => assert.equal(error.code, "ABORTED"));
  }
  while (opened() > before) await sleep(10);
});

test("readCapped() throws the code that it is asked for", async () => {
  await using bench = await workbench();
  const code = "BUNDLE_UNREADABLE";
  await refused(readCapped(join(bench.path, "missing"), "file", 10, { code }), code);
  await refused(readCapped(join(bench.path, "key.pem"), "file", 10, { code }), code);
});

test("readCapped() reads a pipe whose writer pauses, and one that nothing is written to", async () => {
  await using bench = await workbench();
  const pipe = pipeIn(bench);
  const scripts = [["{ printf first; sleep 0.1; printf second; }", "firstsecond"], [":", ""]];
  for (const [script = "", expected] of scripts) {
    const ended = written(pipe, script);
    assert.equal(new TextDecoder().decode(await readCapped(pipe, "file", 100)), expected);
    await ended;
  }
});

test("readCapped() reads a pipe up to the limit and no further", async () => {
  await using bench = await workbench();
  const pipe = pipeIn(bench);
  const ended = written(pipe, "cat /dev/zero");
  await refused(readCapped(pipe, "file", 100_000), "FILE_UNREADABLE");
  await ended;
});

test("readCapped() ends when the signal fires, whatever a pipe's writer does", async () => {
  await using bench = await workbench();
  const pipe = pipeIn(bench);
  const signal = AbortSignal.abort();
  await refused(readCapped(pipe, "file", 100, { signal }), "ABORTED");
  await refused(readCapped(pipe, "file", 100, { signal: AbortSignal.timeout(50) }), "ABORTED");
  const abort = new AbortController();
  const reading = refused(readCapped(pipe, "file", 100, { signal: abort.signal }), "ABORTED");
  await using writer = await open(pipe, "w");
  await writer.write("some of it");
  abort.abort();
  await reading;
});

test("readCapped() leaves nothing behind that keeps the process alive", async () => {
  await using bench = await workbench();
  const pipe = pipeIn(bench);
  await bench.write({
    "main.ts": `
      import { readCapped } from ${JSON.stringify(MODULE)};
      const signal = AbortSignal.timeout(50);
      const late = setTimeout(() => {}, 60_000);
      readCapped(${JSON.stringify(pipe)}, "file", 100, { signal }).catch((error) => {
        clearTimeout(late);
        console.log(error.code);
      });
    `,
  });
  const [program, ...args] = runtimeCommand(join(bench.path, "main.ts"));
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  for await (const chunk of child.stdout) output += chunk;
  assert.equal(output, "ABORTED\n");
});
