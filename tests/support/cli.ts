/** Runs the real program as a child process. */

import { Buffer } from "node:buffer";
import { spawn } from "node:child_process";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Outcome } from "./outcome.ts";

/** How the program is started. */
export type CliOptions = {
  readonly cwd?: string;
  /** Default: the program itself. */
  readonly program?: readonly [string, ...string[]];
  /** Added to this process's environment, whose own `MODEL_SIGNING_*` are taken out. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** Whether stdin stays open after that, as a pipe whose writer takes his time. */
  readonly stdinStaysOpen?: boolean;
  /** What is done once, when a text has appeared on stderr. */
  readonly step?: { readonly after: string; act(pid: number): void };
  /** Told the process, as soon as there is one. */
  started?(pid: number): void;
};

/**
 * A step that sends a signal. Deno's `child.kill()` would report it as what ended the process, even when that
 * exits by itself.
 */
export function kill(signal: NodeJS.Signals): (pid: number) => void {
  return (pid) => void process.kill(pid, signal);
}

/** The command line of the program: the binary that `MODEL_SIGNING_BINARY` names, or the source. */
export function programCommand(): readonly [string, ...string[]] {
  const binary = process.env["MODEL_SIGNING_BINARY"];
  // Absolute, since tests start it from other folders.
  return binary ? [resolve(binary)] : sourceCommand("cli/main.ts");
}

/** The command line of a module, relative to the project's root. */
export function sourceCommand(path: string): readonly [string, ...string[]] {
  return runtimeCommand(fileURLToPath(new URL(`../../${path}`, import.meta.url)));
}

/** The command line that runs a file on this runtime. */
export function runtimeCommand(file: string): readonly [string, ...string[]] {
  return "bun" in process.versions
    ? [process.execPath, file]
    : [process.execPath, "run", "-A", "--quiet", file];
}

/** The environment of the program in a test. */
export function programEnvironment(
  added: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const inherited = Object.entries(process.env).filter(([name]) =>
    !name.startsWith("MODEL_SIGNING_")
  );
  return { ...Object.fromEntries(inherited), NO_COLOR: "1", ...added } as Record<string, string>;
}

/** Runs the program to its end. */
export async function cli(args: readonly string[], options: CliOptions = {}): Promise<Outcome> {
  const [program, ...first] = options.program ?? programCommand();
  const child = spawn(program, [...first, ...args], {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    env: programEnvironment(options.env),
    stdio: ["pipe", "pipe", "pipe"],
  });
  const stdout: Uint8Array[] = [];
  const stderr: Uint8Array[] = [];
  let acted = false;
  if (child.pid !== undefined) options.started?.(child.pid);
  child.stdout.on("data", (chunk: Uint8Array) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Uint8Array) => {
    stderr.push(chunk);
    const { after, act } = options.step ?? {};
    if (acted || after === undefined || child.pid === undefined) return;
    if (!Buffer.concat(stderr).toString("utf8").includes(after)) return;
    acted = true;
    act?.(child.pid);
  });
  // A program that does not read its input may be gone before it is written.
  child.stdin.on("error", () => {});
  child.stdin.write(options.stdin ?? "");
  if (!options.stdinStaysOpen) child.stdin.end();
  const status = await new Promise<number | null>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", resolve);
  });
  return {
    status,
    stdout: Buffer.concat(stdout).toString("utf8"),
    stderr: Buffer.concat(stderr).toString("utf8"),
  };
}
