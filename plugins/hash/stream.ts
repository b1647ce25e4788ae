/** Hashes content that comes as a stream. */

import { ModelSigningError, systemReason } from "../../core/errors.ts";
import type { Algorithm } from "./algorithm.ts";
import type { Tally } from "./tally.ts";
import type { Failure, Outcome } from "./unit.ts";

/** What hashing a stream needs. */
export type StreamSettings = {
  readonly algorithm: Algorithm;
  readonly tally: Tally;
  /** Cancels the stream. */
  readonly signal: AbortSignal;
};

/** Hashes a stream that must have exactly `length` bytes. Never throws for the stream. */
export async function hashStream(
  open: () => ReadableStream<Uint8Array>,
  length: number,
  { algorithm, tally, signal }: StreamSettings,
): Promise<Outcome> {
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  const cancel = () => void reader?.cancel().catch(() => {}); // Its failure changes nothing for us.
  try {
    reader = open().getReader();
    signal.addEventListener("abort", cancel);
    const digester = algorithm.start();
    let got = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      got += value.length;
      if (got > length) {
        cancel();
        return {
          code: "FILE_CHANGED",
          problem: `has more than the ${length} bytes it was listed with`,
        };
      }
      digester.update(value);
      tally.add(value.length);
    }
    if (got < length) {
      return { code: "FILE_CHANGED", problem: `has ${got} bytes, ${length} when it was listed` };
    }
    return digester.hex();
  } catch (error) {
    return failureOf(error);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** What an error of the source itself says; of others only the system's code is fit to be shown. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof ModelSigningError)) {
    return { code: "ENTRY_UNREADABLE", problem: `cannot be read: ${systemReason(error)}` };
  }
  const { message, issues: [issue] } = error;
  return { code: issue?.code ?? "ENTRY_UNREADABLE", problem: `cannot be read: ${message}` };
}
