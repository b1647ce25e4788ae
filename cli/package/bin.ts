#!/usr/bin/env node
/** The entry of the program in the npm package. It is never bundled, so the worker's module lies where it always does. */

import { readFileSync, writeSync } from "node:fs";
import process from "node:process";
import { nodeProblem } from "./node_problem.ts";

const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
const problem = nodeProblem(process.versions, manifest.engines?.node);
if (problem !== undefined) {
  writeSync(2, `model-signing: error: ${problem}\n`);
  process.exit(3);
}
// Only now: loading this takes what an old Node has not.
const { start } = await import("../start.ts");
await start({ workerUrl: new URL("../../plugins/hash/worker.js", import.meta.url) });
