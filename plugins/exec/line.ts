/** The pipe's two ends: one question out, frames in until it is answered. */

import { aborted, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { Stopwatch } from "../_plugin/mod.ts";
import type { PluginChild } from "./child.ts";
import { frameBytes } from "./frames.ts";
import { GRACE_MS, MAX_FRAME_BYTES } from "./limits.ts";
import { Prompts } from "./prompts.ts";

/** What goes out. */
export type Question = {
  /** 0 for the hello, which is no request. */
  readonly id: number;
  readonly frame: Readonly<Record<string, unknown>>;
  /** Until it is answered, in ms, without the time that a person takes. */
  readonly limit: number;
  /** What is asked for, for messages: `say hello`. */
  readonly what: string;
};

/** What is being waited for. */
type Waiting = {
  readonly id: number;
  readonly prompts: Prompts | undefined;
  settle(frame: JsonObject): void;
  fail(reason: ModelSigningError): void;
};

/** A conversation with one process. */
export class Line {
  readonly #who: string;
  readonly #child: PluginChild;
  #waiting: Waiting | undefined;
  #ended: ModelSigningError | undefined;

  /** Takes the plugin's name for messages, and its process, which it listens to from now on. */
  constructor(who: string, child: PluginChild) {
    this.#who = who;
    this.#child = child;
    child.listen({ frame: (frame) => this.#take(frame), end: (reason) => this.#end(reason) });
  }

  /**
   * Sends a frame and gives the frame that answers it. One question at a time.
   *
   * @throws {ModelSigningError} `PLUGIN_CRASHED`, `PLUGIN_FLOODED`, `PLUGIN_PROTOCOL`, `PLUGIN_TIMEOUT`, `ABORTED`
   */
  async ask({ id, frame, limit, what }: Question, run: RunOptions): Promise<JsonObject> {
    if (this.#ended) throw this.#ended;
    // It may have fired while the request was put together; no listener would be told.
    throwIfAborted(run.signal);
    const bytes = frameBytes(frame);
    if (bytes === undefined) {
      throw new ModelSigningError(
        "PLUGIN_PROTOCOL",
        `what ${this.#who} would have to be told has more than ${MAX_FRAME_BYTES} bytes`,
      );
    }
    const { promise, resolve, reject } = Promise.withResolvers<JsonObject>();
    const settled = new AbortController();
    const signals = [settled.signal, ...(run.signal ? [run.signal] : [])];
    const asking = { ...run, signal: AbortSignal.any(signals) };
    const stopwatch = new Stopwatch(limit);
    const prompts = id === 0 ? undefined : new Prompts(this.#who, asking, stopwatch, (answer) => {
      this.#send({ type: "answer", id, ...answer });
    });
    this.#waiting = { id, prompts, settle: resolve, fail: reject };
    using _watch = stopwatch.watch(() =>
      this.#child.fail(
        "PLUGIN_TIMEOUT",
        `did not ${what} within ${limit / 1000} s`,
        id === 0
          ? "it has to flush its standard output after each frame; the log shows at debug level what it wrote"
          : undefined,
      )
    );
    let grace: ReturnType<typeof setTimeout> | undefined;
    const abort = () => {
      if (id > 0) this.#send({ type: "cancel", id });
      // One that does not listen is ended.
      grace = setTimeout(() => {
        this.#child.kill();
        reject(aborted(run.signal?.reason));
      }, id > 0 ? GRACE_MS : 0);
    };
    run.signal?.addEventListener("abort", abort, { once: true });
    try {
      this.#child.send(bytes);
      const answer = await promise;
      throwIfAborted(run.signal);
      return answer;
    } catch (error) {
      throwIfAborted(run.signal);
      throw error;
    } finally {
      // A question that is still open at the terminal would take the answer to the next one.
      settled.abort();
      clearTimeout(grace);
      run.signal?.removeEventListener("abort", abort);
      this.#waiting = undefined;
    }
  }

  /** Takes a frame of the plugin. */
  #take(frame: JsonObject): void {
    const { type, id } = frame;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.#child.fail("PLUGIN_PROTOCOL", "wrote a frame that nobody had asked for");
      return;
    }
    if (waiting.id === 0) {
      this.#settle(waiting, frame);
      return;
    }
    switch (type) {
      case "prompt":
      case "tell":
      case "progress": {
        const problem = id === waiting.id
          ? waiting.prompts?.take(frame)
          : `wrote a ${type} for another request`;
        if (problem !== undefined) this.#child.fail("PLUGIN_PROTOCOL", problem);
        return;
      }
      case "error":
      case "signed":
      case "verified":
      case "described":
        if (id === waiting.id) this.#settle(waiting, frame);
        else this.#child.fail("PLUGIN_PROTOCOL", "answered another request than the one it has");
        return;
      default:
        // A later version may say more than this one understands.
        this.#send({
          type: "error",
          ...(typeof id === "number" ? { id } : {}),
          code: "PLUGIN_UNKNOWN_FRAME",
          message: `unknown frame ${excerpt(String(type))}`,
        });
    }
  }

  /** Whatever comes after the answer, nobody has asked for. */
  #settle(waiting: Waiting, answer: JsonObject): void {
    this.#waiting = undefined;
    waiting.settle(answer);
  }

  /** Nothing more will come. */
  #end(reason: ModelSigningError): void {
    this.#ended = reason;
    this.#waiting?.fail(reason);
  }

  #send(frame: Readonly<Record<string, unknown>>): void {
    const bytes = frameBytes(frame);
    if (bytes !== undefined) this.#child.send(bytes);
  }
}
