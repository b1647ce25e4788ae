/** Runs programs and takes their time and memory. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";

/** A program with its arguments. */
export type Command = readonly [program: string, ...args: string[]];

/** Medians of alternating runs. */
export type Comparison = {
  /** ms. */
  readonly ours: number;
  /** ms. */
  readonly peer: number;
  /** Median of each pair's peer time over our time: above 1 we are faster. */
  readonly ratio: number;
};

/** Whether a program is installed. */
export function isInstalled(program: string): boolean {
  return spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined;
}

/**
 * Runs two commands alternately, after one run of each that fills the page cache.
 *
 * @param pairs how often each is timed
 * @param cleanUp is called after each run
 */
export function compare(
  ours: Command,
  peer: Command,
  pairs: number,
  cleanUp: () => void = () => {},
): Comparison {
  const timed = (command: Command) => {
    const elapsed = time(command);
    cleanUp();
    return elapsed;
  };
  timed(ours);
  timed(peer);
  const times = Array.from({ length: pairs }, (_, index) => {
    if (index % 2 === 0) {
      const first = timed(ours);
      return { ours: first, peer: timed(peer) };
    }
    const first = timed(peer);
    return { ours: timed(ours), peer: first };
  });
  return {
    ours: median(times.map((pair) => pair.ours)),
    peer: median(times.map((pair) => pair.peer)),
    ratio: median(times.map((pair) => pair.peer / pair.ours)),
  };
}

/** Median time of a command in ms, after one run that is not counted. */
export function medianTime(command: Command, runs: number): number {
  time(command);
  return median(Array.from({ length: runs }, () => time(command)));
}

/** Time of one run in ms. Throws when the command fails. */
export function time([program, ...args]: Command): number {
  const start = performance.now();
  const { status, error, stderr } = spawnSync(program, args, {
    stdio: ["ignore", "ignore", "pipe"],
    env: environment(),
  });
  const elapsed = performance.now() - start;
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} ${args.join(" ")} gave ${status}: ${stderr}`);
  return elapsed;
}

/** Largest resident set of a command in MiB, as GNU time tells it. */
export function peakMemory(command: Command, directory: string): number {
  const file = join(directory, "peak-memory");
  time(["/usr/bin/time", "-f", "%M", "-o", file, ...command]);
  return Number(readFileSync(file, "utf8").trim()) / 1024;
}

/** The middle one of some values, or the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The caller's environment without settings of ours. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith("MODEL_SIGNING_")),
  );
}
