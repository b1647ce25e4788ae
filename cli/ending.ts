/** How the process ends: with the status of its run, and no other. */

import process from "node:process";
import { excerpt, ModelSigningError } from "../core/mod.ts";
import { openCalls } from "../plugins/mod.ts";
import type { ExitStatus } from "./command.ts";

/** The last status of ours; from 128 on a signal has ended the process. */
const LAST_STATUS: ExitStatus = 3;

/**
 * Runs, and ends the process. Code of a plugin can end it as well, by `process.exit()` or by an error that nobody catches:
 * with 0 or 1, which would mean "verified" or "rejected".
 *
 * @param tell tells an error that the run did not, and gives the status for it
 */
export async function endWith(
  run: () => Promise<ExitStatus>,
  tell: (error: unknown) => ExitStatus,
): Promise<never> {
  let isOver = false;
  const end = (status: ExitStatus): never => {
    isOver = true;
    process.exit(status);
  };
  for (const event of ["uncaughtException", "unhandledRejection"]) {
    process.on(event, (error: unknown) => end(tell(uncaught(error))));
  }
  process.on("exit", (status) => {
    if (isOver || status > LAST_STATUS) return;
    process.exitCode = tell(endedEarly());
  });
  return end(await run());
}

function uncaught(error: unknown): unknown {
  const calls = openCalls();
  if (calls.length === 0) return error;
  const words = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ModelSigningError(
    "PLUGIN_FAILED",
    `nobody caught an error while the program waited for ${calls.join(" and ")}: ${excerpt(words)}`,
    { cause: error },
  );
}

function endedEarly(): Error {
  const calls = openCalls();
  if (calls.length === 0) return new Error("the process ended before it was done");
  return new ModelSigningError(
    "PLUGIN_FAILED",
    `${calls.join(" or ")} ended the process before it was done`,
    { hint: "this is a fault of the plugin: it must return or throw instead" },
  );
}
