/** Reads one line that a person types. */

import type { Buffer } from "node:buffer";
import process from "node:process";
import { StringDecoder } from "node:string_decoder";
import { ModelSigningError } from "../core/mod.ts";
import { LineEditor } from "./line_editor.ts";
import type { Terminal } from "./terminal.ts";

/** How a line is read. */
export type LineOptions = {
  /** Shown once nothing that is typed is echoed any more. */
  readonly prompt: string;
  /** Whether what is typed is shown. */
  readonly echo: boolean;
  /** Longest wait, in ms. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
};

/**
 * Reads one line in raw mode, in which the terminal neither echoes nor sends signals: a {@link LineEditor} does.
 *
 * @throws {ModelSigningError} `ABORTED`
 */
export async function readLine(
  terminal: Terminal,
  { prompt, echo, timeout, signal }: LineOptions,
): Promise<string> {
  const { input } = terminal;
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const decoder = new StringDecoder("utf8");
  const editor = new LineEditor((text) => {
    if (echo) terminal.write(text);
  });
  const onData = (chunk: Buffer) => {
    // What keys such as the arrows send is no part of an answer.
    for (const character of decoder.write(chunk).replace(/\x1b(?:\[[0-9;]*|O)[ -~]/g, "")) {
      const state = editor.take(character);
      if (state === "finished") return resolve(editor.line);
      if (state === "cancelled") return reject(aborted("the prompt was cancelled"));
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
    terminal.write(prompt);
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
