/** Runs the test registry. The first line on stdout is JSON (`Started`); it ends when its standard input does. */

import process from "node:process";
import { TestRegistry } from "./server.ts";

const { started } = await TestRegistry.start();
console.log(JSON.stringify(started));
process.stdin.on("end", () => process.exit(0)).resume();
