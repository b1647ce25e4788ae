/** Hashes content that comes as a stream. */

import { ModelSigningError, systemReason, throwIfAborted } from "../../core/errors.ts";
import type { Lane } from "./lane.ts";
import { Turns } from "./turns.ts";
import type { Failure, StreamUnit } from "./unit.ts";

/** A stream and where it is hashed. */
export type StreamTask = {
  readonly unit: StreamUnit;
  /** Bytes that it must have. */
  readonly length: number;
  /** Bytes of each part that has a digest of its own; one after the other they are all of it. */
  readonly parts: Iterable<number>;
  open(): ReadableStream<Uint8Array>;
};

/** One for each part, in lowercase hex. */
export type Digests = { readonly digests: readonly string[] };

/**
 * Hashes a stream. Its parts count only together: what is wrong with a stream it may say at its end.
 *
 * @param signal cancels the stream
 * @throws {ModelSigningError} what keeps the lane from working; never what is wrong with the stream
 */
export async function hashStream(
  task: StreamTask,
  lane: Lane,
  signal: AbortSignal,
): Promise<Digests | Failure> {
  using reader = new SizedReader(task, signal);
  const turns = new Turns();
  const digests: string[] = [];
  for (const length of task.parts) {
    const content = await lane.begin(task.unit);
    for (let left = length; left > 0;) {
      const next = await reader.read(left);
      if (next.kind === "failure") {
        await content.discard();
        return next.failure;
      }
      await content.take(next.bytes);
      left -= next.bytes.length;
      // A source that never waits would keep everything else waiting.
      if (turns.isOver) await turns.next();
    }
    digests.push(await content.end());
  }
  return await reader.end() ?? { digests };
}

/** What a stream gives. Told apart by a member of ours: what it gives may be anything. */
type Next =
  | { readonly kind: "bytes"; readonly bytes: Uint8Array }
  | { readonly kind: "failure"; readonly failure: Failure };

/** Reads a stream to its end, or to what is wrong with it. */
class SizedReader implements Disposable {
  readonly #task: StreamTask;
  readonly #signal: AbortSignal;
  #reader: ReadableStreamDefaultReader<unknown> | undefined;
  #got = 0;
  /** Not given yet. */
  #rest: Uint8Array = new Uint8Array();

  constructor(task: StreamTask, signal: AbortSignal) {
    this.#task = task;
    this.#signal = signal;
    signal.addEventListener("abort", this.#cancel);
  }

  /** The next bytes, no more than `most`, or what is wrong. */
  async read(most: number): Promise<Next> {
    try {
      while (this.#rest.length === 0) {
        const more = await this.#more();
        if (more === undefined) {
          return { kind: "failure", failure: changed(`has ${this.#got} bytes, ${this.#listed}`) };
        }
        this.#rest = more;
      }
    } catch (error) {
      return { kind: "failure", failure: failureOf(error) };
    }
    const bytes = this.#rest.subarray(0, most);
    this.#rest = this.#rest.subarray(bytes.length);
    return { kind: "bytes", bytes };
  }

  /** What is wrong with the end, after as many bytes as there must be; undefined when nothing is. */
  async end(): Promise<Failure | undefined> {
    try {
      for (let more = this.#rest; more.length === 0;) {
        const next = await this.#more();
        if (next === undefined) return undefined;
        more = next;
      }
      return changed(`has more than the ${this.#task.length} bytes it was listed with`);
    } catch (error) {
      return failureOf(error);
    }
  }

  get #listed(): string {
    return `${this.#task.length} when it was listed`;
  }

  /** What comes next, which may be empty; undefined at the end. Throws what is wrong. */
  async #more(): Promise<Uint8Array | undefined> {
    throwIfAborted(this.#signal);
    this.#reader ??= this.#task.open().getReader();
    const { done, value } = await this.#reader.read();
    if (done) return undefined;
    if (!ArrayBuffer.isView(value)) {
      throw new ModelSigningError(
        "FILE_UNREADABLE",
        "its content comes as something else than bytes",
      );
    }
    this.#got += value.byteLength;
    return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }

  /** Cancels the stream, unless it has ended. */
  [Symbol.dispose](): void {
    this.#signal.removeEventListener("abort", this.#cancel);
    this.#cancel();
  }

  // Its failure changes nothing for us.
  readonly #cancel = (): void => void this.#reader?.cancel().catch(() => {});
}

function changed(problem: string): Failure {
  return { code: "FILE_CHANGED", problem };
}

/** What an error of the source itself says; of others only the system's code is fit to be shown. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof ModelSigningError)) {
    return { code: "ENTRY_UNREADABLE", problem: `cannot be read: ${systemReason(error)}` };
  }
  const { message, issues: [issue] } = error;
  return { code: issue?.code ?? "ENTRY_UNREADABLE", problem: `cannot be read: ${message}` };
}
