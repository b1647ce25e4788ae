/** What SIGINT and SIGTERM do. */

import process from "node:process";

/** What a shell reports for a process that the signal killed: 128 and the signal's number. */
const KILLED = { SIGINT: 130, SIGTERM: 143 };

/**
 * Fires at the first SIGINT or SIGTERM, so that the run can end by itself and say so. The second one ends the
 * process on the spot.
 */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(KILLED[name]);
      controller.abort(`aborted by ${name}`);
    });
  }
  return controller.signal;
}
