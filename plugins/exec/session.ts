/** A conversation with a plugin: hello, then one request after the other. */

import { aborted, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { CONTRACT_VERSION } from "../../core/plugin.ts";
import { excerpt } from "../../core/text.ts";
import { readAnswer, readDeclaration, ShapeError } from "../_plugin/mod.ts";
import { PluginChild } from "./child.ts";
import { type Hello, helloAt, PROTOCOL_VERSION } from "./hello.ts";
import { Line } from "./line.ts";
import { HELLO_MS, REQUEST_MS } from "./limits.ts";

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
   * @throws {ModelSigningError} `PLUGIN_UNLOADABLE`, `PLUGIN_UNSAFE`, `PLUGIN_CRASHED`, `PLUGIN_FLOODED`,
   * `PLUGIN_PROTOCOL`, `PLUGIN_CONTRACT`, `PLUGIN_MALFORMED`, `PLUGIN_TIMEOUT`, `ABORTED`
   */
  static async open(path: string, options: SessionOptions): Promise<PluginSession> {
    const { who, environment, declared, run } = options;
    throwIfAborted(run.signal);
    const child = await PluginChild.start(path, { who, environment, declared, logger: run.logger });
    const line = new Line(who, child);
    try {
      const frame = {
        type: "hello",
        protocol: PROTOCOL_VERSION,
        contract: CONTRACT_VERSION,
        program: "model-signing",
        version: options.programVersion,
      };
      const limit = Math.min(HELLO_MS, run.timeout ?? Infinity);
      const answer = await line.ask({ id: 0, frame, limit, what: "say hello" }, run);
      const hello = readDeclaration(who, () => helloAt(answer, path));
      return new PluginSession(who, child, line, hello);
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
    const frame = { type, id, deadline: limit, ...await members(this.#child.folder, id) };
    const found = await this.#line.ask({ id, frame, limit, what: `end ${type}` }, run);
    if (found["type"] === "error") throw errorIn(this.#who, found, run.signal);
    return readAnswer(this.#who, type, () => {
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
