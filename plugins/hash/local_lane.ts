/** Hashing in the calling thread. */

import { aborted } from "../../core/errors.ts";
import { type Algorithm, loadAlgorithm } from "./algorithm.ts";
import { FileHasher } from "./file.ts";
import type { Lane, LaneReports, LaneSettings, LaneStream } from "./lane.ts";
import { Pace } from "./pace.ts";
import { Sink } from "./sink.ts";
import { Tally } from "./tally.ts";
import { Turns } from "./turns.ts";
import type { FileUnit, Outcome, StreamUnit } from "./unit.ts";

/** Hashes in this thread, giving way to other work now and then. */
export class LocalLane implements Lane {
  readonly #settings: LaneSettings;
  readonly #reports: LaneReports;
  readonly #tally: Tally;
  readonly #pace = new Pace();
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
    const turns = new Turns();
    for (const unit of units) {
      const steps = hasher.hash(unit);
      for (let step = steps.next();; step = steps.next()) {
        if (turns.isOver) await turns.next();
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
    const sink = new Sink(unit, { algorithm, tally: this.#tally, pace: this.#pace });
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
