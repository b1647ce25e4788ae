/** A request whose answer is read as it arrives. */

import type { RunOptions } from "../../core/options.ts";
import type { Attempt } from "./attempt.ts";
import { Failure } from "./failure.ts";
import type { HttpRequest } from "./http_request.ts";
import { attempts, STATUS } from "./retry.ts";

/** An answer with a status that was accepted, whose body is still to be read, or to be cancelled. */
export type HttpStream = {
  readonly status: number;
  readonly headers: Headers;
  /** Of any length. A wait for the next bytes is limited like that for the head; errors as of `request()`. */
  readonly body: ReadableStream<Uint8Array>;
  /** Another origin answered, after a redirect. */
  readonly foreign: boolean;
};

/**
 * Sends a request and hands out the answer's body. Only what fails before the body begins is tried again.
 *
 * @throws {ModelSigningError} like `request()`
 */
export async function openRequest(asked: HttpRequest, options: RunOptions): Promise<HttpStream> {
  return await attempts(asked, options, async (attempt, span) => {
    const response = await attempt.head();
    attempt.stopClock();
    const { status, headers } = response;
    span.set({ [STATUS]: status });
    return { status, headers, body: watched(response.body, attempt), foreign: attempt.foreign };
  });
}

/** The clock runs only while bytes are waited for: a slow consumer is no fault of the service. */
function watched(
  body: ReadableStream<Uint8Array> | null,
  attempt: Attempt,
): ReadableStream<Uint8Array> {
  const reader = body?.getReader();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        attempt.startClock();
        const next = reader && await attempt.next(reader);
        attempt.stopClock();
        if (next && !next.done) return controller.enqueue(next.value);
        controller.close();
      } catch (error) {
        const failure = attempt.failure(error);
        attempt[Symbol.dispose]();
        throw failure instanceof Failure ? failure.error : failure;
      }
      attempt[Symbol.dispose]();
    },
    async cancel() {
      // Lets go of the connection; how the body would have ended does not matter any more.
      await reader?.cancel().catch(() => {});
      attempt[Symbol.dispose]();
    },
  }, { highWaterMark: 0 });
}
