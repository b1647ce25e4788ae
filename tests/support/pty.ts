/** Runs the real program on a pseudo-terminal. Takes Python 3, since neither runtime can make one. */

import { spawn } from "node:child_process";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { programCommand, programEnvironment } from "./cli.ts";

/** Something to do once a text has appeared on the terminal. */
export type TerminalStep =
  & { readonly after: string }
  & (
    | { readonly send: string }
    /** Typed where nobody asks, so that the terminal itself echoes it and keeps it line by line. */
    | { readonly send: string; readonly echoed: true }
    /** Types what a shell command prints, which reads everything on the terminal from its stdin. */
    | { readonly type: string }
    | { readonly signal: NodeJS.Signals }
  );

/** How the program is started. */
export type TerminalOptions = {
  readonly cwd: string;
  /** Default: the program itself. */
  readonly program?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly columns?: number;
  /** Default: the terminal. */
  readonly stdin?: "terminal" | "nothing";
  /** Default: a pipe. */
  readonly stdout?: "terminal" | "pipe";
  /** Default: the terminal. */
  readonly stderr?: "terminal" | "nothing";
  readonly steps?: readonly TerminalStep[];
};

/** What was seen. */
export type TerminalResult = {
  /** Negative: the signal that ended the program. */
  readonly status: number;
  /** Everything that was written to the terminal, escape sequences included. */
  readonly terminal: string;
  readonly stdout: string;
  /** Whether the terminal echoes when the program has ended. */
  readonly echoes: boolean;
  readonly stepsLeft: number;
};

/** Runs the program with stderr, and what else is asked for, on a terminal. Throws when it does not end. */
export async function onTerminal(
  args: readonly string[],
  options: TerminalOptions,
): Promise<TerminalResult> {
  const request = {
    command: [...(options.program ?? programCommand()), ...args],
    cwd: options.cwd,
    env: programEnvironment({ TERM: "xterm", ...options.env }),
    columns: options.columns ?? 80,
    stdin: options.stdin ?? "terminal",
    stdout: options.stdout ?? "pipe",
    stderr: options.stderr ?? "terminal",
    steps: options.steps ?? [],
  };
  const script = fileURLToPath(new URL("./pty.py", import.meta.url));
  const child = spawn("python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  const answer: Uint8Array[] = [];
  child.stdout.on("data", (chunk: Uint8Array) => answer.push(chunk));
  child.stdin.end(JSON.stringify(request));
  await new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  const { timedOut, ...result } = JSON.parse(Buffer.concat(answer).toString("utf8"));
  if (timedOut) throw new Error(`the program did not end: ${JSON.stringify(result)}`);
  return result;
}
