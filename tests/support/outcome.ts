/** How a program ended, and assertions on it. */

import assert from "node:assert/strict";
import { spawnSync, type SpawnSyncOptions } from "node:child_process";

/** What a finished program left. */
export type Outcome = {
  /** Null when a signal ended it. */
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a program to its end; throws when it does not start. */
export function outcomeOf(
  [program, ...args]: readonly string[],
  options: Pick<SpawnSyncOptions, "cwd" | "env" | "timeout"> = {},
): Outcome {
  const { status, stdout, stderr, error } = spawnSync(program!, args, {
    ...options,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  });
  if (error) throw error;
  return { status, stdout, stderr };
}

/** Asserts the exit status; a failure shows what the program said. */
export function assertStatus(outcome: Outcome, expected: number, what: string): void {
  const { status, stdout, stderr } = outcome;
  assert.equal(status, expected, `${what}: exit status ${status}\n${stdout}${stderr}`);
}

/** Asserts the exit status and the code of the one fault that ended the run. */
export function assertFault(outcome: Outcome, status: number, code: string): void {
  assertStatus(outcome, status, code);
  const faults = [...outcome.stderr.matchAll(/^model-signing: error: .* \[([A-Z0-9_]+)\]$/gm)];
  assert.deepEqual(faults.map(([, found]) => found), [code], outcome.stderr);
}

/** Asserts a rejection by `verify --format json` for exactly these reasons. */
export function assertRejected(outcome: Outcome, codes: readonly string[]): void {
  assertVerdict(outcome, "rejected", 1, codes);
}

/** Asserts the verdict of `verify --format json` and the codes behind it. */
export function assertVerdict(
  outcome: Outcome,
  verdict: string,
  status: number,
  codes: readonly string[],
): void {
  assertStatus(outcome, status, `${verdict} for ${codes}`);
  const report = JSON.parse(outcome.stdout);
  assert.equal(report.verdict, verdict, outcome.stdout);
  const found = (report.issues ?? []).map((issue: { code: string }) => issue.code);
  assert.deepEqual([...new Set(found)].sort(), [...codes].sort(), outcome.stdout);
}
