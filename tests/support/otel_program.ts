/** The program that can send traces: from source, or compiled beside the binary when that is tested. */

import { resolve } from "node:path";
import process from "node:process";
import { compile, ENTRIES } from "../../cli/build/compile.ts";
import { sourceCommand } from "./cli.ts";

let compiled: string | undefined;

/** The command line of the program. */
export function otelProgram(): readonly [string, ...string[]] {
  const binary = process.env["MODEL_SIGNING_BINARY"];
  if (!binary) return sourceCommand(ENTRIES.otel);
  if (compiled === undefined) {
    const file = resolve(`${binary}-otel`);
    compile(file, { entry: ENTRIES.otel });
    compiled = file;
  }
  return [compiled];
}

/** Takes away the variables of OpenTelemetry that this machine has. */
export const NO_TELEMETRY: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(process.env)
    .filter((name) => /^(?:OTEL_|TRACEPARENT$|TRACESTATE$)/.test(name))
    .map((name) => [name, ""]),
);
