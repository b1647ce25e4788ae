/** Hashes content that comes as a stream. */

import {
  type IssueCode,
  ModelSigningError,
  systemReason,
  throwIfAborted,
} from "../../core/errors.ts";
import type { Lane } from "./lane.ts";
import { Turns } from "./turns.ts";
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
  using reader = new SizedReader(task, signal);
  const content = await lane.begin(task.unit);
  const turns = new Turns();
  for (;;) {
    const next = await reader.read();
    if (next.kind === "end") return await content.end();
    if (next.kind === "failure") {
      await content.discard();
      return next.failure;
    }
    await content.take(next.bytes);
    // A source that never waits would keep everything else waiting.
    if (turns.isOver) await turns.next();
  }
}

/** What a stream gives. Told apart by a member of ours: what it gives may be anything. */
type Next =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "failure"; readonly failure: Failure };

/** Reads a stream to its end, or to what is wrong with it. */
class SizedReader implements Disposable {
  readonly #task: StreamTask;
  readonly #signal: AbortSignal;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #got = 0;

  constructor(task: StreamTask, signal: AbortSignal) {
    this.#task = task;
    this.#signal = signal;
    signal.addEventListener("abort", this.#cancel);
  }

  /** The next bytes, the end after as many as there must be, or what is wrong. */
  async read(): Promise<Next> {
    const { length } = this.#task;
    try {
      throwIfAborted(this.#signal);
      this.#reader ??= this.#task.open().getReader();
      const { done, value } = await this.#reader.read();
      if (done) {
        if (this.#got === length) return { kind: "end" };
        return failed("FILE_CHANGED", `has ${this.#got} bytes, ${length} when it was listed`);
      }
      if (!ArrayBuffer.isView(value)) {
        return failed(
          "ENTRY_UNREADABLE",
          "cannot be read: its content comes as something else than bytes",
        );
      }
      const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
      this.#got += bytes.length;
      if (this.#got <= length) return { kind: "bytes", bytes };
      return failed("FILE_CHANGED", `has more than the ${length} bytes it was listed with`);
    } catch (error) {
      return { kind: "failure", failure: failureOf(error) };
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

function failed(code: IssueCode, problem: string): Next {
  return { kind: "failure", failure: { code, problem } };
}

/** What an error of the source itself says; of others only the system's code is fit to be shown. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof ModelSigningError)) {
    return { code: "ENTRY_UNREADABLE", problem: `cannot be read: ${systemReason(error)}` };
  }
  const { message, issues: [issue] } = error;
  return { code: issue?.code ?? "ENTRY_UNREADABLE", problem: `cannot be read: ${message}` };
}
