/** Running a program where it has no network, and watching what it asks the kernel for. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { programEnvironment } from "./cli.ts";
import { leaveOut } from "./left_out.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";

/** Where a program is run. */
export type Place = {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
};

/** A program and its arguments. */
export type CommandLine = readonly [string, ...string[]];

/**
 * Runs a program in a network namespace of its own, in which there is no interface, not even loopback.
 * Undefined where the system does not allow that.
 */
export function withoutNetwork(): ((command: CommandLine, at: Place) => Outcome) | undefined {
  // The first is for everybody, the second for root where user namespaces are switched off.
  const unshare = [["unshare", "-rn"], ["unshare", "-n"]].find(([program, ...args]) =>
    spawnSync(program!, [...args, "true"]).status === 0
  );
  if (!unshare) {
    leaveOut("no network namespace can be made: install util-linux, and allow unshare");
    return undefined;
  }
  const [program, ...first] = unshare;
  return (command, at) => run([program!, ...first, ...command], at);
}

/** What a program asked the kernel for, one call a line. */
export type Traced = Outcome & { readonly calls: readonly string[] };

/**
 * Runs a program and its children under a tracer, which writes the calls of one kind (`network`, `execve`) with
 * the whole of their arguments. Undefined where the system does not allow that.
 */
export function traced(
  kind: string,
): ((command: CommandLine, at: Place) => Traced) | undefined {
  const trace = ["-f", "-qq", "-s", "1000000", "-v", "-e", `trace=${kind}`];
  if (spawnSync("strace", [...trace, "-o", "/dev/null", "true"]).status !== 0) {
    leaveOut("strace does not work here: install it, and allow ptrace in the container");
    return undefined;
  }
  return (command, at) => {
    const log = join(at.cwd, "calls.txt");
    const outcome = run(["strace", ...trace, "-o", log, ...command], at);
    return { ...outcome, calls: readFileSync(log, "utf8").split("\n").filter((line) => line) };
  };
}

function run(command: CommandLine, { cwd, env }: Place): Outcome {
  return outcomeOf(command, { cwd, env: programEnvironment(env) });
}
