/** The program with a plugin of a third party beside the built-in ones: an entry like `cli/main.ts`. */

import process from "node:process";
import { processIo } from "../../cli/io.ts";
import { run } from "../../cli/run.ts";
import { abortOnSignals } from "../../cli/signals.ts";
import { builtinPlugins } from "../../plugins/mod.ts";
import { examplePlugin } from "./example_plugin.ts";

process.exit(
  await run(process.argv.slice(2), processIo(), {
    version: "1",
    plugins: [...builtinPlugins, examplePlugin],
    workerUrl: new URL("../../cli/hash_worker.ts", import.meta.url),
    signal: abortOnSignals(),
  }),
);
