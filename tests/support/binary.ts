/** The compiled program, for tests that are about the binary itself. */

import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { after } from "node:test";
import { ROOT } from "./project.ts";

let compiled: string | undefined;

// Deno's tests see no "exit"; Bun runs "after" only for the first file that imports this module.
after(remove);
process.on("exit", remove);

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
  const runtime = "bun" in process.versions ? [] : ["run", "-A"];
  const args = [...runtime, join(ROOT, "cli", "compile.ts"), target];
  execFileSync(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  return target;
}

function remove(): void {
  if (compiled !== undefined) rmSync(dirname(compiled), { recursive: true, force: true });
  compiled = undefined;
}
