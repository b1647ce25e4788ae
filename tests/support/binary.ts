/** The compiled program, for tests that are about the binary itself. */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { after } from "node:test";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let compiled: string | undefined;

// Deno's tests see no "exit" event. The next test file may share this module, and compiles anew.
after(() => {
  if (compiled !== undefined) rmSync(dirname(compiled), { recursive: true, force: true });
  compiled = undefined;
});

/**
 * The absolute path of the binary that `MODEL_SIGNING_BINARY` names, or of one that is compiled from the
 * source as `deno task compile` does it, once, into a temporary folder that anybody may read.
 */
export function compiledBinary(): string {
  const named = process.env["MODEL_SIGNING_BINARY"];
  if (named) return resolve(ROOT, named);
  return compiled ??= compile();
}

function compile(): string {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-binary-"));
  chmodSync(folder, 0o755);
  const target = join(folder, "model-signing");
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const words: string[] = tasks.compile.command.split(" ");
  const [bun, ...args] = words.map((word) => word === "dist/model-signing" ? target : word);
  if (bun === undefined || !args.includes(target)) {
    throw new Error(`the task "compile" does not write dist/model-signing: ${words.join(" ")}`);
  }
  execFileSync(join(ROOT, bun), args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  return target;
}
