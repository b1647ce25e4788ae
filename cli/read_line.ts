/** Reads one line that a person types. */

import type { Buffer } from "node:buffer";
import process from "node:process";
import { StringDecoder } from "node:string_decoder";
import { ModelSigningError, printable } from "../core/mod.ts";
import type { Terminal } from "./terminal.ts";

/** How a line is read. */
export type LineOptions = {
  /** Whether what is typed is shown. */
  readonly echo: boolean;
  /** Longest wait, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
};

/** Longer than any password or code; a file piped into the terminal by mistake ends here. */
const MAX_LINE_CHARACTERS = 4096;

/**
 * Reads one line in raw mode, in which the terminal neither echoes nor sends signals: Ctrl-C and Ctrl-D give
 * up, backspace and Ctrl-U correct.
 *
 * @throws {ModelSigningError} `ABORTED`
 */
export async function readLine(
  terminal: Terminal,
  { echo, timeout, signal }: LineOptions,
): Promise<string> {
  const { input } = terminal;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const decoder = new StringDecoder("utf8");
  const typed: string[] = [];
  const append = (character: string) => {
    typed.push(character);
    if (echo) terminal.write(printable(character));
  };
  const erase = (count: number) => {
    // As the system's own line editor does it: a line that has wrapped is not taken back as a whole.
    const columns = typed.splice(typed.length - count).map(printable).join("").length;
    if (echo) terminal.write("\b \b".repeat(columns));
  };
  const onData = (chunk: Buffer) => {
    // What keys such as the arrows send is no part of an answer.
    for (const character of decoder.write(chunk).replace(/\x1b(?:\[[0-9;]*|O)[ -~]/g, "")) {
      switch (character) {
        case "\r":
        case "\n":
          return resolve(typed.join(""));
        case "\x03":
          return reject(aborted("the prompt was cancelled"));
        case "\x04":
          if (typed.length === 0) return reject(aborted("the prompt was cancelled"));
          break;
        case "\x7f":
        case "\b":
          erase(Math.min(typed.length, 1));
          break;
        case "\x15":
          erase(typed.length);
          break;
        default:
          if (character >= " " && typed.length < MAX_LINE_CHARACTERS) append(character);
      }
    }
  };
  const onEnd = () => reject(aborted("the terminal was closed while waiting for an answer"));
  const onAbort = () => reject(aborted("aborted while waiting for an answer", signal?.reason));
  const timer = setTimeout(
    () => reject(aborted(`no answer was given within ${timeout / 1000} s`)),
    timeout,
  );
  const restore = () => void input.setRawMode(false);
  try {
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    // A second SIGINT ends the process without unwinding; the terminal must echo again even then.
    process.on("exit", restore);
    input.setRawMode(true);
    input.on("data", onData);
    input.on("end", onEnd);
    input.on("error", onEnd);
    input.resume();
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    process.off("exit", restore);
    input.off("data", onData);
    input.off("end", onEnd);
    input.off("error", onEnd);
    input.pause();
    restore();
  }
}

function aborted(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("ABORTED", message, { cause });
}
