#!/usr/bin/env node
/** The entry of the program in the npm package. It is never bundled, so the worker's module lies where it always does. */

import { start } from "../start.ts";

await start({ workerUrl: new URL("../../plugins/hash/worker.js", import.meta.url) });
