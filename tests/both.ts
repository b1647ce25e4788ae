/**
 * Runs the tests on Deno and on Bun at the same time, since each of them keeps one core busy. The output of the first
 * is shown as it comes, that of the second after it.
 */

import { spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import process from "node:process";

/** What Deno's tasks are called. */
const TASKS = ["test", "test:bun"];

/** Runs a task to its end, and gives what it wrote and how it ended. */
function run(task: string): Promise<{ readonly output: Buffer; readonly status: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["task", task], { stdio: ["ignore", "pipe", "pipe"] });
    const chunks: Uint8Array[] = [];
    const live = task === TASKS[0];
    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (chunk: Uint8Array) => {
        if (live) process.stdout.write(chunk);
        else chunks.push(chunk);
      });
    }
    child.once("error", reject);
    child.once("close", (status) => resolve({ output: Buffer.concat(chunks), status }));
  });
}

const results = TASKS.map(run);
for (const [index, result] of results.entries()) {
  const { output, status } = await result;
  process.stdout.write(output);
  console.log(`== ${TASKS[index]} ended with status ${status}`);
  if (status !== 0) process.exitCode = 1;
}
