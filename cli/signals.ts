/** What SIGINT and SIGTERM do. */

import process from "node:process";

/** What a shell reports for a process that SIGINT killed. */
const KILLED_BY_SIGINT = 130;

/**
 * Fires at the first SIGINT or SIGTERM, so that the run can end by itself and say so. The second one ends the
 * process on the spot.
 */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const stop = (name: "SIGINT" | "SIGTERM") => {
    if (controller.signal.aborted) process.exit(KILLED_BY_SIGINT);
    controller.abort(`aborted by ${name}`);
  };
  process.on("SIGINT", () => stop("SIGINT"));
  process.on("SIGTERM", () => stop("SIGTERM"));
  return controller.signal;
}
