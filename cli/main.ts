/** The entry of the program. */

import process from "node:process";
import metadata from "../package.json" with { type: "json" };
import { processIo } from "./io.ts";
import { run } from "./run.ts";
import { abortOnSignals } from "./signals.ts";

process.exit(
  await run(process.argv.slice(2), processIo(), {
    version: metadata.version,
    // In the compiled binary, too, the worker module lies beside this one.
    workerUrl: new URL("./hash_worker.ts", import.meta.url),
    signal: abortOnSignals(),
  }),
);
