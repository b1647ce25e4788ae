/** Runs the program in its process. */

import process from "node:process";
import { builtinPlugins } from "../plugins/mod.ts";
import { endWith } from "./ending.ts";
import { processIo } from "./io.ts";
import { type Host, run } from "./run.ts";
import { disarmRuntime } from "./runtime_variables.ts";
import { abortOnSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

/** Runs the command that the process was started with, and ends the process. */
export async function start(parts: Pick<Host, "workerUrl" | "traceExport">): Promise<never> {
  disarmRuntime(process.env);
  const io = processIo();

  return await endWith(
    () =>
      run(process.argv.slice(2), io, {
        ...parts,
        version: VERSION,
        plugins: builtinPlugins,
        signal: abortOnSignals(),
      }),
    (text) => io.stderr.write(text),
  );
}
