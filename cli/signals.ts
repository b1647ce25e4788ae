/** What SIGINT, SIGTERM and SIGHUP do. */

import { readFileSync } from "node:fs";
import process from "node:process";

/** What a shell reports for a process that the signal killed: 128 and the signal's number. */
const KILLED = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

/**
 * Fires at the first SIGINT, SIGTERM or, on Linux, SIGHUP, so that the run can end by itself and say so. The second one
 * ends the process on the spot.
 */
export function abortOnSignals(): AbortSignal {
  const controller = new AbortController();
  const hangup = diesOfHangup() ? ["SIGHUP"] as const : [];
  for (const name of ["SIGINT", "SIGTERM", ...hangup] as const) {
    process.on(name, () => {
      if (controller.signal.aborted) process.exit(KILLED[name]);
      controller.abort(`aborted by ${name}`);
    });
  }
  return controller.signal;
}

/** False under `nohup`, which has SIGHUP ignored: listening would undo that. Only Linux says what is ignored (proc(5)). */
function diesOfHangup(): boolean {
  let status: string;
  try {
    status = readFileSync("/proc/self/status", "latin1");
  } catch {
    return false;
  }
  // A mask in hexadecimal digits; SIGHUP is signal 1, the lowest bit.
  const [, lowest] = /^SigIgn:.*([0-9a-f])$/m.exec(status) ?? [];
  return lowest !== undefined && Number.parseInt(lowest, 16) % 2 === 0;
}
