/** Asks for a secret on the terminal, without echo. */

import type { Buffer } from "node:buffer";
import { constants, openSync, writeSync } from "node:fs";
import process from "node:process";
import { StringDecoder } from "node:string_decoder";
import tty from "node:tty";
import { type Interaction, ModelSigningError, printable, Secret } from "../core/mod.ts";

/** How a prompt behaves. */
export type PromptOptions = {
  /** Longest wait, in ms. */
  readonly timeout: number;
  /** Takes a progress line away before the prompt is written. */
  readonly clear: () => void;
};

/** Longer than any password; a file piped into the terminal by mistake ends here. */
const MAX_SECRET_CHARACTERS = 4096;

/** The person at the controlling terminal, who can be asked even when stdin is a pipe. */
export function terminalInteraction(options: PromptOptions): Interaction {
  return {
    askSecret: async (prompt, signal) => {
      const terminal = openTerminal();
      try {
        options.clear();
        terminal.write(printable(prompt));
        return new Secret(await readSecret(terminal.input, options.timeout, signal));
      } finally {
        terminal.write("\n");
        terminal.close();
      }
    },
  };
}

type Terminal = {
  readonly input: tty.ReadStream;
  write(text: string): void;
  close(): void;
};

function openTerminal(): Terminal {
  if (process.platform === "win32") return standardTerminal();
  let fd: number;
  try {
    fd = openSync("/dev/tty", constants.O_RDWR | constants.O_NOCTTY);
  } catch {
    // ENXIO or ENOENT: the process has no controlling terminal, but stdin may still be one.
    return standardTerminal();
  }
  const input = new tty.ReadStream(fd);
  return {
    input,
    write: (text) => void writeSync(fd, text),
    close: () => {
      input.destroy();
    },
  };
}

function standardTerminal(): Terminal {
  if (!tty.isatty(0)) {
    throw new ModelSigningError(
      "INTERACTION_UNAVAILABLE",
      "cannot ask for a password: there is no terminal",
      { hint: "give it in MODEL_SIGNING_PASSWORD or with --password-file" },
    );
  }
  return {
    input: process.stdin as tty.ReadStream,
    write: (text) => void writeSync(2, text),
    close: () => void process.stdin.pause(),
  };
}

/** Reads one line in raw mode, in which the terminal neither echoes nor sends signals. */
async function readSecret(
  input: tty.ReadStream,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const decoder = new StringDecoder("utf8");
  let typed: string[] = [];
  const restore = () => void input.setRawMode(false);
  const onData = (chunk: Buffer) => {
    // What keys such as the arrows send is no part of a password.
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
          typed.pop();
          break;
        case "\x15":
          typed = [];
          break;
        default:
          if (character >= " " && typed.length < MAX_SECRET_CHARACTERS) typed.push(character);
      }
    }
  };
  const onEnd = () => reject(aborted("the terminal was closed while waiting for a password"));
  const onAbort = () => reject(aborted("aborted while waiting for a password", signal?.reason));
  const timer = setTimeout(
    () => reject(aborted(`no password was given within ${timeout / 1000} s`)),
    timeout,
  );
  try {
    signal?.addEventListener("abort", onAbort);
    if (signal?.aborted) onAbort();
    // A second SIGINT ends the process without unwinding; the terminal must echo again even then.
    process.on("exit", restore);
    input.setRawMode(true);
    input.on("data", onData);
    input.on("end", onEnd);
    input.on("error", onEnd);
    return await promise;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", onAbort);
    process.off("exit", restore);
    input.off("data", onData);
    input.off("end", onEnd);
    restore();
  }
}

function aborted(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("ABORTED", message, { cause });
}
