/** A running plugin: a process with pipes, a folder of its own, and nothing else of ours. */

import { Buffer } from "node:buffer";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { tmpdir } from "node:os";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Logger } from "../../core/logger.ts";
import { printable, quote } from "../../core/text.ts";
import { PrivateFolder } from "../_plugin/mod.ts";
import { pluginEnvironment } from "./environment.ts";
import { FrameError, FrameReader } from "./frames.ts";
import { GRACE_MS, MAX_STDERR_BYTES, MAX_STDERR_LINE } from "./limits.ts";

/** How a plugin is started. */
export type ChildOptions = {
  /** For messages: `plugin "openssl"`. */
  readonly who: string;
  /** Such as `process.env`, and which of its variables the plugin asks for. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly declared: readonly string[];
  readonly logger: Logger | undefined;
};

/** Who is told what a plugin writes. */
export type Listener = {
  /** Takes one frame. */
  frame(frame: JsonObject): void;
  /** Told once, when nothing more will come, and why. */
  end(reason: ModelSigningError): void;
};

/** Processes that must not outlive this one. */
const running = new Set<PluginChild>();

function killAll(): void {
  for (const child of running) child.kill();
}

/** A started process. */
export class PluginChild {
  readonly #folder: PrivateFolder;
  readonly #options: ChildOptions;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #closed: Promise<void>;
  readonly #reader = new FrameReader();
  #listener: Listener | undefined;
  #ended = false;
  /** Why it ended, if nobody had closed it. */
  #reason: ModelSigningError | undefined;

  /**
   * Starts a program, without a shell, in a process group of its own.
   *
   * @throws {ModelSigningError} `PLUGIN_UNLOADABLE`; `PLUGIN_UNSAFE` when the folder for temporary files is anybody's
   */
  static async start(path: string, options: ChildOptions): Promise<PluginChild> {
    const folder = await PrivateFolder.in(tmpdir());
    try {
      const child = spawn(path, [], {
        cwd: folder.path,
        env: pluginEnvironment(options.environment, options.declared, folder.path),
        stdio: ["pipe", "pipe", "pipe"],
        // A group of its own, so that all of it can be ended; and no terminal to ask at behind our back.
        detached: process.platform !== "win32",
        shell: false,
        windowsHide: true,
      });
      await once(child, "spawn");
      return new PluginChild(child, folder, options);
    } catch (cause) {
      await folder[Symbol.asyncDispose]();
      throw new ModelSigningError(
        "PLUGIN_UNLOADABLE",
        `cannot start ${options.who}: ${systemReason(cause)}`,
        {
          cause,
          ...(systemCode(cause) === "EACCES"
            ? { hint: "a plugin is a file that this user may execute" }
            : {}),
        },
      );
    }
  }

  private constructor(
    child: ChildProcessWithoutNullStreams,
    folder: PrivateFolder,
    options: ChildOptions,
  ) {
    this.#folder = folder;
    this.#options = options;
    this.#process = child;
    // First of all, so that no process is left to use the folders that go at the end, too.
    if (running.size === 0) process.prependOnceListener("exit", killAll);
    running.add(this);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#closed = promise;
    const stderr = new StderrLog(options);
    child.stderr.on("data", (chunk: Uint8Array) => stderr.take(chunk));
    child.stderr.on("end", () => stderr.end());
    // A process that does not read its input is judged by what it does instead.
    child.stdin.on("error", () => {});
    child.on("error", () => {});
    // What it has left behind in its group may hold the pipes open for hours.
    child.on("exit", () => this.kill());
    child.on("close", (status, signal) => {
      running.delete(this);
      if (running.size === 0) process.off("exit", killAll);
      this.#end("PLUGIN_CRASHED", crash(status, signal));
      resolve();
    });
  }

  /** Absolute; the process's current folder, empty at first, which goes when the process does. */
  get folder(): string {
    return this.#folder.path;
  }

  /** Begins to read what it writes. One listener, from the beginning to the end. */
  listen(listener: Listener): void {
    this.#listener = listener;
    if (this.#reason) listener.end(this.#reason);
    this.#process.stdout.on("data", (chunk: Uint8Array) => this.#read(chunk, listener));
  }

  /** Writes the bytes of a frame. */
  send(frame: Uint8Array): void {
    if (!this.#ended) this.#process.stdin.write(Buffer.from(frame));
  }

  /** Ends the process and everything that it started, at once. */
  kill(): void {
    const { pid } = this.#process;
    if (pid === undefined) return;
    try {
      if (process.platform === "win32") this.#process.kill("SIGKILL");
      else process.kill(-pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }

  /** Ends the process for a reason that is told, with what may have led to it. */
  fail(
    code: "PLUGIN_PROTOCOL" | "PLUGIN_FLOODED" | "PLUGIN_TIMEOUT",
    what: string,
    hint?: string,
  ): void {
    this.#end(code, what, hint);
    this.kill();
  }

  /** Asks the process to end by closing its input, ends it if it does not, and removes its folder. */
  async close(): Promise<void> {
    this.#ended = true;
    this.#process.stdin.end();
    const late = new AbortController();
    const grace = sleep(GRACE_MS, undefined, { signal: late.signal }).catch(() => {});
    await Promise.race([this.#closed, grace]);
    late.abort();
    this.kill();
    this.#process.stdout.destroy();
    this.#process.stderr.destroy();
    await this.#closed;
    await this.#removeFolder();
  }

  /** Whatever it has done to its folder, or still does from another session, is no reason to fail. */
  async #removeFolder(): Promise<void> {
    try {
      await this.#folder[Symbol.asyncDispose]();
    } catch (error) {
      const { who, logger } = this.#options;
      logger?.log(
        "warn",
        `cannot remove the folder ${quote(this.folder)} of ${who}: ${systemReason(error)}`,
      );
    }
  }

  #read(chunk: Uint8Array, listener: Listener): void {
    if (this.#ended) return;
    try {
      for (const frame of this.#reader.take(chunk)) listener.frame(frame);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      const { who, logger } = this.#options;
      // Like stderr: for whoever looks for a fault, and for nobody else.
      if (error.excerpt !== undefined) {
        logger?.log("debug", `${who} wrote on stdout: ${error.excerpt}`);
      }
      this.fail(error.code, error.message);
    }
  }

  #end(code: ModelSigningError["code"], what: string, hint?: string): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#reason = new ModelSigningError(
      code,
      `${this.#options.who} ${what}`,
      hint === undefined ? {} : { hint },
    );
    this.#listener?.end(this.#reason);
  }
}

function crash(status: number | null, signal: NodeJS.Signals | null): string {
  return signal === null
    ? `ended with status ${status} before it answered`
    : `was ended by ${signal} before it answered`;
}

/** Passes stderr on, line by line, as long as it is not too much. */
class StderrLog {
  readonly #options: ChildOptions;
  readonly #decoder = new TextDecoder();
  #total = 0;
  #pending = "";

  constructor(options: ChildOptions) {
    this.#options = options;
  }

  take(chunk: Uint8Array): void {
    const isSilenced = this.#total > MAX_STDERR_BYTES;
    this.#total += chunk.length;
    if (isSilenced) return;
    if (this.#total > MAX_STDERR_BYTES) {
      this.#tell(`wrote more than ${MAX_STDERR_BYTES} bytes on stderr; the rest is dropped`);
      this.#pending = "";
      return;
    }
    const lines = (this.#pending + this.#decoder.decode(chunk, { stream: true })).split(/\r?\n/);
    this.#pending = (lines.pop() ?? "").slice(0, MAX_STDERR_LINE);
    for (const line of lines) this.#tell(line);
  }

  end(): void {
    this.#tell(this.#pending);
    this.#pending = "";
  }

  #tell(line: string): void {
    if (line === "") return;
    const { logger, who } = this.#options;
    logger?.log("debug", `${who}: ${printable(line.slice(0, MAX_STDERR_LINE))}`);
  }
}
