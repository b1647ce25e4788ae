/** A conversation with a plugin: hello, then one request after the other. */

import { Buffer } from "node:buffer";
import { setInterval } from "node:timers";
import { aborted, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { CONTRACT_VERSION } from "../../core/plugin.ts";
import { excerpt } from "../../core/text.ts";
import { ShapeError, Stopwatch } from "../_plugin/mod.ts";
import { PluginChild } from "./child.ts";
import { frameBytes } from "./frames.ts";
import { type Hello, helloAt, PROTOCOL_VERSION } from "./hello.ts";
import { GRACE_MS, HELLO_MS, MAX_FRAME_BYTES, REQUEST_MS } from "./limits.ts";
import { Prompts } from "./prompts.ts";

/** How a plugin is started. */
export type SessionOptions = {
  /** The plugin, for messages. */
  readonly who: string;
  /** Of this program. */
  readonly programVersion: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Variables that it asked for when it was first seen. */
  readonly declared: readonly string[];
  readonly run: RunOptions;
};

/** One request. */
export type Request<T> = {
  readonly type: "sign" | "verify" | "describe";
  /** The type of the answer. */
  readonly answer: string;
  /** Makes the other members, once there is a folder to put files in. */
  members(folder: string, id: number): Promise<Readonly<Record<string, unknown>>>;
  /** Reads the answer. Throws {@link ShapeError}. */
  read(answer: JsonObject): T;
};

/** What is being waited for. */
type Waiting = {
  readonly id: number;
  readonly prompts: Prompts | undefined;
  settle(frame: JsonObject): void;
  fail(reason: ModelSigningError): void;
};

/** A running plugin that has said hello. */
export class PluginSession implements AsyncDisposable {
  /** What the plugin says about itself. */
  readonly hello: Hello;
  readonly #who: string;
  readonly #child: PluginChild;
  readonly #line: Line;
  #lastId = 0;
  /** The request before the next one: a plugin is asked one thing at a time. */
  #queue: Promise<unknown> = Promise.resolve();

  /**
   * Starts a plugin and waits for its hello.
   *
   * @throws {ModelSigningError} `PLUGIN_UNLOADABLE`, `PLUGIN_CRASHED`, `PLUGIN_FLOODED`, `PLUGIN_PROTOCOL`,
   * `PLUGIN_CONTRACT`, `PLUGIN_TIMEOUT`, `ABORTED`
   */
  static async open(path: string, options: SessionOptions): Promise<PluginSession> {
    const { who } = options;
    throwIfAborted(options.run.signal);
    const line = new Line(who);
    const child = await PluginChild.start(path, {
      who,
      environment: options.environment,
      declared: options.declared,
      logger: options.run.logger,
      onFrame: (frame) => line.take(frame),
      onEnd: (reason) => line.end(reason),
    });
    line.child = child;
    try {
      const hello = await line.ask(
        0,
        {
          type: "hello",
          protocol: PROTOCOL_VERSION,
          contract: CONTRACT_VERSION,
          program: "model-signing",
          version: options.programVersion,
        },
        new Stopwatch(Math.min(HELLO_MS, options.run.timeout ?? Infinity)),
        options.run,
        "say hello",
      );
      return new PluginSession(who, child, line, answered(who, () => helloAt(hello, path)));
    } catch (error) {
      child.kill();
      await child.close();
      throw error;
    }
  }

  private constructor(who: string, child: PluginChild, line: Line, hello: Hello) {
    this.#who = who;
    this.#child = child;
    this.#line = line;
    this.hello = hello;
  }

  /**
   * Asks for one thing, when everything that was asked before is done.
   *
   * @throws {ModelSigningError} the plugin's own codes; `PLUGIN_CRASHED`, `PLUGIN_FLOODED`, `PLUGIN_PROTOCOL`,
   * `PLUGIN_RESULT`, `PLUGIN_TIMEOUT`, `ABORTED`
   */
  request<T>(request: Request<T>, run: RunOptions): Promise<T> {
    const asked = this.#queue.then(() => this.#ask(request, run));
    // Whoever asked is told of the failure; the next one is not.
    this.#queue = asked.catch(() => {});
    return asked;
  }

  async #ask<T>({ type, answer, members, read }: Request<T>, run: RunOptions): Promise<T> {
    throwIfAborted(run.signal);
    const id = ++this.#lastId;
    const limit = run.timeout ?? REQUEST_MS;
    const frame = {
      type,
      id,
      deadline: limit,
      ...await members(this.#child.folder, id),
    };
    const found = await this.#line.ask(id, frame, new Stopwatch(limit), run, `end ${type}`);
    if (found["type"] === "error") throw errorIn(this.#who, found, run.signal);
    return answered(this.#who, () => {
      if (found["type"] === answer) return read(found);
      throw new ShapeError(
        `its answer to ${type} is ${excerpt(String(found["type"]))}, expected "${answer}"`,
      );
    });
  }

  /** Ends the plugin. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#child.close();
  }
}

/** The pipe's two ends: one question out, frames in until it is answered. */
class Line {
  readonly #who: string;
  child: PluginChild | undefined;
  #waiting: Waiting | undefined;
  #ended: ModelSigningError | undefined;

  constructor(who: string) {
    this.#who = who;
  }

  /** Sends a frame and gives the frame that answers it. */
  async ask(
    id: number,
    frame: Readonly<Record<string, unknown>>,
    stopwatch: Stopwatch,
    run: RunOptions,
    what: string,
  ): Promise<JsonObject> {
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
    const prompts = id === 0 ? undefined : new Prompts(this.#who, asking, stopwatch, (answer) => {
      this.#send({ type: "answer", id, ...answer });
    });
    this.#waiting = { id, prompts, settle: resolve, fail: reject };
    const limit = stopwatch.left;
    const timer = setInterval(() => {
      if (stopwatch.isOver) {
        this.child?.fail("PLUGIN_TIMEOUT", `did not ${what} within ${Math.round(limit) / 1000} s`);
      }
    }, 50);
    let grace: ReturnType<typeof setTimeout> | undefined;
    const abort = () => {
      if (id > 0) this.#send({ type: "cancel", id });
      // One that does not listen is ended.
      grace = setTimeout(() => {
        this.child?.kill();
        reject(aborted(run.signal?.reason));
      }, id > 0 ? GRACE_MS : 0);
    };
    run.signal?.addEventListener("abort", abort, { once: true });
    try {
      this.child?.send(bytes);
      const answer = await promise;
      throwIfAborted(run.signal);
      return answer;
    } catch (error) {
      throwIfAborted(run.signal);
      throw error;
    } finally {
      // A question that is still open at the terminal would take the answer to the next one.
      settled.abort();
      clearInterval(timer);
      clearTimeout(grace);
      run.signal?.removeEventListener("abort", abort);
      this.#waiting = undefined;
    }
  }

  /** Takes a frame of the plugin. */
  take(frame: JsonObject): void {
    const { type, id } = frame;
    const waiting = this.#waiting;
    if (waiting === undefined) {
      this.child?.fail("PLUGIN_PROTOCOL", "wrote a frame that nobody had asked for");
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
        if (problem !== undefined) this.child?.fail("PLUGIN_PROTOCOL", problem);
        return;
      }
      case "error":
      case "signed":
      case "verified":
      case "described":
        if (id === waiting.id) this.#settle(waiting, frame);
        else this.child?.fail("PLUGIN_PROTOCOL", "answered another request than the one it has");
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
  end(reason: ModelSigningError): void {
    this.#ended = reason;
    this.#waiting?.fail(reason);
  }

  #send(frame: Readonly<Record<string, unknown>>): void {
    const bytes = frameBytes(frame);
    if (bytes !== undefined) this.child?.send(Buffer.from(bytes));
  }
}

/** Reads what a plugin answered. */
function answered<T>(who: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ShapeError)) throw error;
    throw new ModelSigningError("PLUGIN_RESULT", `${who} gave a wrong answer: ${error.message}`, {
      cause: error,
      hint: "this is a fault of the plugin: model-signing plugin check tells more",
    });
  }
}

/** The error that a plugin answered with. */
function errorIn(
  who: string,
  { code, message, hint }: JsonObject,
  signal: AbortSignal | undefined,
): ModelSigningError {
  if (code === "ABORTED" && signal?.aborted) return aborted(signal.reason);
  const ours = typeof code === "string" && /^(?:PLUGIN_[A-Z0-9_]{1,57}|ABORTED)$/.test(code);
  return new ModelSigningError(
    ours ? code as `PLUGIN_${string}` | "ABORTED" : "PLUGIN_FAILED",
    `${who}: ${
      typeof message === "string" && message !== "" ? message.slice(0, 1000) : "it failed"
    }`,
    typeof hint === "string" && hint !== "" ? { hint: hint.slice(0, 1000) } : {},
  );
}
