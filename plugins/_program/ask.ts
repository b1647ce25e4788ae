/** Asking another program for something that it writes. */

import { execFile, type ExecFileException } from "node:child_process";
import { aborted, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { programEnvironment } from "./environment.ts";

/** What is run. */
export type ProgramCall = {
  /** Absolute. */
  readonly path: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Written to its standard input. Default: nothing. */
  readonly input?: string;
  /** Bytes that it may write, to stderr as well. */
  readonly maxBytes: number;
  /** Limit when the run sets none, in ms. */
  readonly timeout: number;
};

/** What a program wrote, which may be a secret, and why that is no answer. */
export type ProgramAnswer = {
  readonly stdout: string;
  /** Undefined when it ended with status 0. */
  readonly fault?: {
    /** To stand after the program's name; nothing that it wrote is in it. */
    readonly reason: string;
    /** Undefined when it did not end by itself. */
    readonly status: number | undefined;
    readonly late: boolean;
  };
};

/**
 * Runs a program to its end. No shell takes part.
 *
 * @throws {ModelSigningError} `ABORTED`
 */
export async function askProgram(
  { path, args, environment, input = "", maxBytes, ...call }: ProgramCall,
  { signal, timeout = call.timeout }: RunOptions,
): Promise<ProgramAnswer> {
  throwIfAborted(signal);
  return await new Promise((resolve, reject) => {
    const child = execFile(path, args, {
      env: programEnvironment(environment),
      timeout,
      maxBuffer: maxBytes,
      killSignal: "SIGKILL",
      encoding: "utf8",
      ...(signal ? { signal } : {}),
    }, (error, stdout) => {
      if (!error) return resolve({ stdout });
      if (signal?.aborted) return reject(aborted(signal.reason));
      resolve({ stdout, fault: faultOf(error, maxBytes, timeout) });
    });
    // A program that ends without reading is judged by its status.
    child.stdin?.on("error", () => {});
    child.stdin?.end(input);
  });
}

/** The error itself is not passed on: it may hold what the program wrote. */
function faultOf(
  { code, killed, signal }: ExecFileException,
  maxBytes: number,
  timeout: number,
): NonNullable<ProgramAnswer["fault"]> {
  // Not all runtimes' types know that it can be a text.
  const told: unknown = code;
  if (told === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
    const reason = `it wrote more than ${maxBytes} bytes`;
    return { reason, status: undefined, late: false };
  }
  if (killed) {
    const reason = `it did not end within ${timeout / 1000} s`;
    return { reason, status: undefined, late: true };
  }
  if (typeof told === "number") {
    return { reason: `it ended with status ${told}`, status: told, late: false };
  }
  if (signal) return { reason: `it was ended by ${signal}`, status: undefined, late: false };
  return { reason: `it could not be run (${String(told)})`, status: undefined, late: false };
}
