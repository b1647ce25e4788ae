/** Sending a request again when that may help. */

import { setTimeout as sleep } from "node:timers/promises";
import { throwIfAborted } from "../../core/errors.ts";
import { type Span, traced } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { Attempt } from "./attempt.ts";
import { Failure } from "./failure.ts";
import type { HttpRequest } from "./http_request.ts";

/** First pause before a request is sent again; doubled each time. */
const FIRST_PAUSE_MS = 250;

/** The longest pause, also when the service asks for a longer one. */
const MAX_PAUSE_MS = 10_000;

/**
 * Makes attempts until one succeeds, or fails for good.
 *
 * @param use takes the answer of an attempt; on failure the attempt is disposed of
 */
export async function attempts<T>(
  asked: HttpRequest,
  options: RunOptions,
  use: (attempt: Attempt, span: Span, count: number) => Promise<T>,
): Promise<T> {
  const { service, method = "GET", retries = 2 } = asked;
  return await traced(options.observer, "http.request", undefined, async (span) => {
    for (let count = 0;; count++) {
      throwIfAborted(options.signal);
      const attempt = new Attempt(asked, options);
      try {
        return await use(attempt, span, count);
      } catch (error) {
        const failure = attempt.failure(error);
        attempt[Symbol.dispose]();
        if (!(failure instanceof Failure)) throw failure;
        if (!failure.retry || count >= retries) throw failure.error;
        const pause = Math.min(failure.pause ?? FIRST_PAUSE_MS * 2 ** count, MAX_PAUSE_MS);
        options.logger?.log("debug", `asking ${service} again`, {
          attempt: count + 1,
          code: failure.error.code,
          pause,
        });
        await sleep(pause, undefined, options.signal ? { signal: options.signal } : {})
          .catch(() => throwIfAborted(options.signal));
      }
    }
  }, { service, method });
}
