/** The entry of the program. */

import process from "node:process";
import metadata from "../package.json" with { type: "json" };
import { builtinPlugins } from "../plugins/mod.ts";
import { processIo } from "./io.ts";
import { tellFault } from "./report/faults.ts";
import { run } from "./run.ts";
import { disarmRuntime } from "./runtime_variables.ts";
import { abortOnSignals } from "./signals.ts";

disarmRuntime(process.env);
const io = processIo();

// The runtimes end with 1 when nobody catches an error; here that would mean "rejected".
for (const event of ["uncaughtException", "unhandledRejection"]) {
  process.on(event, (error: unknown) => {
    process.exit(tellFault(error, (text) => io.stderr.write(text), undefined));
  });
}

process.exit(
  await run(process.argv.slice(2), io, {
    version: metadata.version,
    plugins: builtinPlugins,
    // In the compiled binary, too, the worker's module lies beside this one.
    workerUrl: new URL("./hash_worker.ts", import.meta.url),
    signal: abortOnSignals(),
  }),
);
