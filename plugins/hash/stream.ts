/** Hashes content that comes as a stream. */

import { ModelSigningError, systemReason } from "../../core/errors.ts";
import type { Lane } from "./lane.ts";
import type { Failure, Outcome, StreamUnit } from "./unit.ts";

/** A stream and where it is hashed. */
export type StreamTask = {
  readonly unit: StreamUnit;
  /** Bytes that it must have. */
  readonly length: number;
  open(): ReadableStream<Uint8Array>;
};

/**
 * Hashes a stream.
 *
 * @param signal cancels the stream
 * @throws {ModelSigningError} what keeps the lane from working; never what is wrong with the stream
 */
export async function hashStream(
  task: StreamTask,
  lane: Lane,
  signal: AbortSignal,
): Promise<Outcome> {
  const content = await lane.begin(task.unit);
  using reader = new Reader(task, signal);
  for (let next = await reader.read(); next !== undefined; next = await reader.read()) {
    if (next instanceof Uint8Array) {
      await content.take(next);
    } else {
      await content.discard();
      return next;
    }
  }
  return await content.end();
}

/** Reads a stream to its end, or to what is wrong with it. */
class Reader implements Disposable {
  readonly #task: StreamTask;
  readonly #signal: AbortSignal;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #got = 0;

  constructor(task: StreamTask, signal: AbortSignal) {
    this.#task = task;
    this.#signal = signal;
    signal.addEventListener("abort", this.#cancel);
  }

  /** The next bytes; undefined after all of them. */
  async read(): Promise<Uint8Array | Failure | undefined> {
    const { length } = this.#task;
    try {
      this.#reader ??= this.#task.open().getReader();
      const { done, value } = await this.#reader.read();
      if (!done) {
        this.#got += value.length;
        if (this.#got <= length) return value;
        const problem = `has more than the ${length} bytes it was listed with`;
        return { code: "FILE_CHANGED", problem };
      }
      if (this.#got === length) return undefined;
      const problem = `has ${this.#got} bytes, ${length} when it was listed`;
      return { code: "FILE_CHANGED", problem };
    } catch (error) {
      return failureOf(error);
    }
  }

  /** Cancels the stream, unless it has ended. */
  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#cancel);
    this.#cancel();
  }

  // Its failure changes nothing for us.
  readonly #cancel = (): void => void this.#reader?.cancel().catch(() => {});
}

/** What an error of the source itself says; of others only the system's code is fit to be shown. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof ModelSigningError)) {
    return { code: "ENTRY_UNREADABLE", problem: `cannot be read: ${systemReason(error)}` };
  }
  const { message, issues: [issue] } = error;
  return { code: issue?.code ?? "ENTRY_UNREADABLE", problem: `cannot be read: ${message}` };
}
