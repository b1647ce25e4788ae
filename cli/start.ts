/** Runs the program in its process. */

import process from "node:process";
import { builtinPlugins } from "../plugins/mod.ts";
import { earlyLogSettings } from "./early_log.ts";
import { endWith } from "./ending.ts";
import { processIo } from "./io.ts";
import { openLog } from "./log.ts";
import { tellFault } from "./report/faults.ts";
import { type Host, run } from "./run.ts";
import { disarmRuntime } from "./runtime_variables.ts";
import { abortOnSignals } from "./signals.ts";
import { VERSION } from "./version.ts";

/** Runs the command that the process was started with, and ends the process. */
export async function start(parts: Pick<Host, "workerUrl" | "traceExport">): Promise<never> {
  disarmRuntime(process.env);
  const io = processIo();
  const argv = process.argv.slice(2);
  const toStderr = (text: string) => io.stderr.write(text);
  return await endWith(
    () =>
      run(argv, io, {
        ...parts,
        version: VERSION,
        plugins: builtinPlugins,
        signal: abortOnSignals(),
      }),
    (error) => tellFault(error, toStderr, openLog(earlyLogSettings(argv, io.env), toStderr)),
  );
}
