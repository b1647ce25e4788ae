/** Hashing in the calling thread. */

import { setImmediate } from "node:timers/promises";
import { aborted } from "../../core/errors.ts";
import { type Algorithm, loadAlgorithm } from "./algorithm.ts";
import { FileHasher } from "./file.ts";
import type { Lane, LaneReports, LaneSettings, LaneStream } from "./lane.ts";
import { Sink } from "./sink.ts";
import { Tally } from "./tally.ts";
import type { FileUnit, Outcome, StreamUnit } from "./unit.ts";

/** Longest time that hashing keeps the event loop waiting, in ms. */
const PAUSE_AFTER_MS = 10;

/** Hashes in this thread, giving way to other work now and then. */
export class LocalLane implements Lane {
  readonly #settings: LaneSettings;
  readonly #reports: LaneReports;
  readonly #tally: Tally;
  #algorithm: Promise<Algorithm> | undefined;
  #hasher: FileHasher | undefined;
  #sink: Sink | undefined;
  #isClosed = false;

  constructor(settings: LaneSettings, reports: LaneReports) {
    this.#settings = settings;
    this.#reports = reports;
    this.#tally = new Tally(settings.shared);
  }

  async run(units: readonly FileUnit[]): Promise<readonly Outcome[]> {
    const tally = this.#tally;
    const algorithm = await (this.#algorithm ??= this.#load());
    const { followLinks } = this.#settings;
    const hasher = this.#hasher ??= new FileHasher({ algorithm, tally, followLinks });
    const outcomes: Outcome[] = [];
    let paused = performance.now();
    for (const unit of units) {
      const steps = hasher.hash(unit);
      for (let step = steps.next();; step = steps.next()) {
        if (performance.now() - paused > PAUSE_AFTER_MS) {
          await setImmediate();
          paused = performance.now();
        }
        if (step.done) {
          outcomes.push(step.value);
          break;
        }
        if (tally.stopped) {
          steps.return("");
          return outcomes;
        }
      }
      if (tally.stopped) return outcomes;
    }
    return outcomes;
  }

  async begin(unit: StreamUnit): Promise<LaneStream> {
    const algorithm = await (this.#algorithm ??= this.#load());
    if (this.#isClosed) throw aborted();
    const sink = new Sink(unit, algorithm, this.#tally);
    this.#sink = sink;
    return {
      take: async (bytes) => await sink.take(bytes),
      end: async () => await sink.end(),
      discard: async () => await sink.discard(),
    };
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#sink?.discard();
    return Promise.resolve();
  }

  async #load(): Promise<Algorithm> {
    const { type, native } = this.#settings;
    const algorithm = await loadAlgorithm(type, native);
    if (algorithm.fallback !== undefined) this.#reports.onFallback(algorithm.fallback);
    return algorithm;
  }
}
