/** The module that a hashing worker runs: lists of units in, lists of outcomes out. */

import { parentPort, workerData } from "node:worker_threads";
import { ModelSigningError } from "../../core/errors.ts";
import { loadAlgorithm } from "./algorithm.ts";
import { FileHasher } from "./file.ts";
import type { LaneSettings, WorkerAnswer } from "./lane.ts";
import { Tally } from "./tally.ts";
import type { FileUnit, Outcome } from "./unit.ts";

if (parentPort === null) throw new Error("this module runs as a worker only");
const port = parentPort;
const { type, native, followLinks, shared } = workerData as LaneSettings;
const tally = new Tally(shared);
const ready = loadAlgorithm(type, native);
let hasher: FileHasher | undefined;

port.on("message", (units: readonly FileUnit[]) => {
  answer(units).then(
    (message) => port.postMessage(message),
    (error: unknown) => port.postMessage(failure(error)),
  );
});

async function answer(units: readonly FileUnit[]): Promise<WorkerAnswer> {
  if (hasher !== undefined) return { outcomes: hashAll(units, hasher) };
  const algorithm = await ready;
  hasher = new FileHasher({ algorithm, tally, followLinks });
  const outcomes = hashAll(units, hasher);
  return algorithm.fallback === undefined
    ? { outcomes }
    : { outcomes, fallback: algorithm.fallback };
}

function failure(error: unknown): WorkerAnswer {
  const unavailable = error instanceof ModelSigningError && error.code === "HASH_UNAVAILABLE";
  return {
    failed: unavailable ? "HASH_UNAVAILABLE" : "HASH_WORKER_FAILED",
    message: error instanceof Error ? error.message : String(error),
  };
}

function hashAll(units: readonly FileUnit[], hasher: FileHasher): readonly Outcome[] {
  const outcomes: Outcome[] = [];
  for (const unit of units) {
    const steps = hasher.hash(unit);
    let step = steps.next();
    while (!step.done) {
      step = tally.stopped ? steps.return("") : steps.next();
    }
    if (tally.stopped) break;
    outcomes.push(step.value);
  }
  return outcomes;
}
