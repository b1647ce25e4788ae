/** Steps that wait for a person, or for another program. */

import { ModelSigningError, orAbort, throwIfAborted } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";

/** The longest wait when the run sets none: time enough to find a second factor. */
export const DEFAULT_WAIT_MS = 180_000;

/**
 * Waits for a step, at most as long as the options say. The step may go on afterwards unless it obeys its
 * signal; nobody sees its end then.
 *
 * @param late makes the fault of a step that took longer than `seconds`
 * @throws {ModelSigningError} what `late` makes, `ABORTED`, and what the step throws
 */
export async function within<T>(
  step: (signal: AbortSignal) => Promise<T>,
  late: (seconds: number) => ModelSigningError,
  options: RunOptions,
): Promise<T> {
  throwIfAborted(options.signal);
  const timeout = options.timeout ?? DEFAULT_WAIT_MS;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeout);
  const signal = options.signal
    ? AbortSignal.any([options.signal, deadline.signal])
    : deadline.signal;
  try {
    return await orAbort((async () => await step(signal))(), signal);
  } catch (error) {
    throwIfAborted(options.signal);
    if (deadline.signal.aborted) throw late(timeout / 1000);
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

/** The fault of a person who did not answer in time. */
export function nobodyAnswered(seconds: number): ModelSigningError {
  return new ModelSigningError("NETWORK_TIMEOUT", `nobody signed in within ${seconds} s`);
}
