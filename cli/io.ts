/** The process's own streams and environment, as an interface that tests can replace. */

import { Buffer } from "node:buffer";
import { writeSync } from "node:fs";
import process from "node:process";
import tty from "node:tty";
import { ModelSigningError, systemCode, systemReason } from "../core/mod.ts";

/** Where text goes. */
export interface Output {
  readonly isTerminal: boolean;
  /** Width of the terminal; 80 when it does not say. Asked anew each time, as windows are resized. */
  columns(): number;
  /**
   * Writes all of it before it returns. A reader that has gone away is no error, unless what is written is `required`:
   * nobody is left to be told. What cannot be written to stderr is lost for the same reason.
   *
   * @throws {ModelSigningError} `FILE_UNWRITABLE`, from stdout
   */
  write(data: string | Uint8Array, options?: { readonly required?: boolean }): void;
}

/** Where colours are wanted. */
export type ColorChoice = "never" | "on a terminal" | "always";

/** What a command may touch of its process. */
export type Io = {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly colors: ColorChoice;
  /** Whether a terminal can take a line back. */
  readonly animated: boolean;
};

/** The process's own. */
export function processIo(): Io {
  const { env } = process;
  return {
    stdout: outputOf(1, () => process.stdout.columns),
    stderr: outputOf(2, () => process.stderr.columns),
    env,
    colors: colorChoice(env),
    animated: env["TERM"] !== "dumb",
  };
}

/** What the environment says: https://no-color.org and https://force-color.org take any value that is not empty. */
export function colorChoice(env: Io["env"]): ColorChoice {
  if ((env["NO_COLOR"] ?? "") !== "") return "never";
  // Node's own FORCE_COLOR knows 0 as well.
  const forced = env["FORCE_COLOR"] ?? "";
  if (forced !== "") return forced === "0" ? "never" : "always";
  return env["TERM"] === "dumb" ? "never" : "on a terminal";
}

/** Whether what is written to an output is coloured. */
export function isColored({ isTerminal }: Output, { colors }: Pick<Io, "colors">): boolean {
  return colors === "always" || (colors === "on a terminal" && isTerminal);
}

function outputOf(fd: 1 | 2, columns: () => number | undefined): Output {
  const isTerminal = tty.isatty(fd);
  let closed = false;
  return {
    isTerminal,
    columns: () => (isTerminal ? columns() : undefined) || 80,
    write(data, { required = false } = {}) {
      const bytes = typeof data === "string" ? Buffer.from(data, "utf8") : data;
      for (let at = 0; at < bytes.length && (required || !closed);) {
        try {
          at += writeSync(fd, bytes, at);
        } catch (error) {
          const code = systemCode(error);
          // The other end made the pipe non-blocking and is slow.
          if (code === "EAGAIN") pause(5);
          else if (fd === 2 || (code === "EPIPE" && !required)) closed = true;
          else throw unwritable(error);
        }
      }
    },
  };
}

function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function unwritable(cause: unknown): ModelSigningError {
  return new ModelSigningError(
    "FILE_UNWRITABLE",
    `cannot write to stdout: ${systemReason(cause)}`,
    { cause },
  );
}
