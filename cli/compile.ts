/**
 * Builds the binary for this machine: `deno task compile [FILE] [--otel]`, by default `dist/model-signing`, and
 * `dist/model-signing-otel` with traces.
 */

import { join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { compile, ENTRIES } from "./build/compile.ts";
import { ROOT } from "./build/project.ts";

const { values, positionals } = parseArgs({
  // `deno task compile -- FILE` hands the dashes on.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: { otel: { type: "boolean", default: false } },
  allowPositionals: true,
});
if (positionals.length > 1) throw new Error(`expected one file, got ${positionals.length}`);
const name = values.otel ? "model-signing-otel" : "model-signing";
const file = resolve(positionals[0] ?? join(ROOT, "dist", name));
compile(file, { entry: values.otel ? ENTRIES.otel : ENTRIES.plain });
console.log(file);
