/** Where units are hashed: this thread or a worker. Both run the same code over the same units. */

import { setImmediate } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { ModelSigningError } from "../../core/errors.ts";
import type { HashType } from "../../core/hasher.ts";
import { loadAlgorithm } from "./algorithm.ts";
import { FileHasher } from "./file.ts";
import { Tally } from "./tally.ts";
import type { FileUnit, Outcome } from "./unit.ts";

/** What a lane has to know; plain data, so that it can be sent to a worker. */
export type LaneSettings = {
  readonly type: HashType;
  readonly native: boolean;
  readonly followLinks: boolean;
  /** The memory of a {@link Tally}. */
  readonly shared: SharedArrayBuffer;
};

/** What a worker answers to a list of units. */
export type WorkerAnswer =
  | { readonly outcomes: readonly Outcome[]; readonly fallback?: string }
  | { readonly failed: "HASH_UNAVAILABLE" | "HASH_WORKER_FAILED"; readonly message: string };

/** Takes one list of units at a time. */
export interface Lane {
  /** The outcomes, in the order of the units. Once the tally says stop, they may be fewer. */
  run(units: readonly FileUnit[]): Promise<readonly Outcome[]>;
  /** Ends the lane at once, also in the middle of a unit. */
  close(): Promise<void>;
}

/** Longest time that hashing keeps the event loop waiting, in ms. */
const PAUSE_AFTER_MS = 10;

/** Hashes in this thread, giving way to other work now and then. */
export class LocalLane implements Lane {
  readonly #settings: LaneSettings;
  readonly #onFallback: (reason: string) => void;
  #hasher: Promise<FileHasher> | undefined;

  constructor(settings: LaneSettings, onFallback: (reason: string) => void) {
    this.#settings = settings;
    this.#onFallback = onFallback;
  }

  async run(units: readonly FileUnit[]): Promise<readonly Outcome[]> {
    const tally = new Tally(this.#settings.shared);
    const hasher = await (this.#hasher ??= this.#load(tally));
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

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #load(tally: Tally): Promise<FileHasher> {
    const { type, native, followLinks } = this.#settings;
    const algorithm = await loadAlgorithm(type, native);
    if (algorithm.fallback !== undefined) this.#onFallback(algorithm.fallback);
    return new FileHasher({ algorithm, tally, followLinks });
  }
}

/** Hashes in a worker of its own. */
export class WorkerLane implements Lane {
  readonly #worker: Worker;
  readonly #onFallback: (reason: string) => void;
  #waiting: PromiseWithResolvers<readonly Outcome[]> | undefined;
  #failure: ModelSigningError | undefined;

  constructor(url: URL | string, settings: LaneSettings, onFallback: (reason: string) => void) {
    this.#onFallback = onFallback;
    try {
      this.#worker = new Worker(url, { workerData: settings });
    } catch (cause) {
      throw crashed("cannot start a hashing worker", cause);
    }
    this.#worker.on("message", (answer: WorkerAnswer) => this.#answer(answer));
    this.#worker.on("error", (cause) => this.#fail(crashed("a hashing worker failed", cause)));
    this.#worker.on("exit", () => this.#fail(crashed("a hashing worker ended unexpectedly")));
  }

  run(units: readonly FileUnit[]): Promise<readonly Outcome[]> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#waiting = Promise.withResolvers();
    this.#worker.postMessage(units);
    return this.#waiting.promise;
  }

  async close(): Promise<void> {
    this.#waiting = undefined;
    await this.#worker.terminate();
  }

  #answer(answer: WorkerAnswer): void {
    if ("failed" in answer) {
      return this.#fail(new ModelSigningError(answer.failed, answer.message));
    }
    if (answer.fallback !== undefined) this.#onFallback(answer.fallback);
    this.#waiting?.resolve(answer.outcomes);
    this.#waiting = undefined;
  }

  #fail(failure: ModelSigningError): void {
    this.#failure ??= failure;
    this.#waiting?.reject(this.#failure);
    this.#waiting = undefined;
  }
}

function crashed(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("HASH_WORKER_FAILED", message, { cause });
}
