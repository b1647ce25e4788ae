/** Builds the binary for this machine: `deno run -A cli/compile.ts [FILE]`, by default `dist/model-signing`. */

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const target = resolve(process.argv[2] ?? join(ROOT, "dist", "model-signing"));

/**
 * Nothing may be left to be resolved or read at run time: whoever controls the current folder could run code
 * through `bunfig.toml`, `.env` or `node_modules`.
 */
const FLAGS = [
  "--compile",
  "--no-compile-autoload-bunfig",
  "--no-compile-autoload-dotenv",
  // A third of the start-up time; bytecode alone would mean CommonJS, which has no top-level await.
  "--minify",
  "--bytecode",
  "--format=esm",
];

mkdirSync(dirname(target), { recursive: true });
const { status, error } = spawnSync(
  join(ROOT, "node_modules", "bun", "bin", "bun.exe"),
  // The worker's module is a second entry point, or it would be missing from the binary.
  ["build", ...FLAGS, "cli/main.ts", "cli/hash_worker.ts", "--outfile", target],
  { cwd: ROOT, stdio: "inherit" },
);
if (error) throw error;
process.exitCode = status ?? 1;
