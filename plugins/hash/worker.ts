/** The module that a hashing worker runs: lists of units or pieces of a stream in, outcomes out. */

import { parentPort, workerData } from "node:worker_threads";
import { ModelSigningError } from "../../core/errors.ts";
import { type Algorithm, loadAlgorithm } from "./algorithm.ts";
import { FileHasher } from "./file.ts";
import type { LaneSettings } from "./lane.ts";
import type { LaneFault, LaneMessage, WorkerAnswer } from "./messages.ts";
import { Pace } from "./pace.ts";
import { Sink } from "./sink.ts";
import { Tally } from "./tally.ts";
import type { FileUnit, Outcome } from "./unit.ts";

if (parentPort === null) throw new Error("this module runs as a worker only");
const port = parentPort;
const { type, native, followLinks, shared } = workerData as LaneSettings;
const tally = new Tally(shared);
const pace = new Pace();
const ready = load();
// Told when the first message is dealt with.
ready.catch(() => {});
let hasher: FileHasher | undefined;
let sink: Sink | undefined;
let memory: SharedArrayBuffer | undefined;

/** Messages are dealt with one after the other: the first ones come while the algorithm is loaded. */
let last: Promise<void> = Promise.resolve();
port.on("message", (message: LaneMessage) => {
  last = last.then(async () => handle(message, await ready)).catch((error: unknown) => {
    sink?.discard();
    sink = undefined;
    tell(failure(error));
  });
});

async function load(): Promise<Algorithm> {
  const algorithm = await loadAlgorithm(type, native);
  if (algorithm.fallback !== undefined) tell({ kind: "fallback", reason: algorithm.fallback });
  return algorithm;
}

function handle(message: LaneMessage, algorithm: Algorithm): void {
  switch (message.kind) {
    case "units":
      hasher ??= new FileHasher({ algorithm, tally, followLinks });
      return tell({ kind: "outcomes", outcomes: hashAll(message.units, hasher) });
    case "begin":
      memory = message.memory;
      sink = new Sink(message.unit, { algorithm, tally, pace });
      return;
    case "piece": {
      const { at, length } = message.piece;
      if (tally.stopped) sink?.discard();
      else if (memory) sink?.take(new Uint8Array(memory, at, length));
      return tell({ kind: "taken", at });
    }
    case "end":
      if (!sink) throw new Error("no stream has begun");
      tell({ kind: "ended", digest: sink.end() });
      sink = undefined;
      return;
    case "discard":
      sink?.discard();
      sink = undefined;
      return tell({ kind: "discarded" });
  }
}

function tell(answer: WorkerAnswer): void {
  port.postMessage(answer);
}

function failure(error: unknown): WorkerAnswer {
  const code: LaneFault = error instanceof ModelSigningError &&
      (error.code === "HASH_UNAVAILABLE" || error.code === "FILE_UNWRITABLE")
    ? error.code
    : "HASH_WORKER_FAILED";
  return { kind: "failed", code, message: error instanceof Error ? error.message : String(error) };
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
