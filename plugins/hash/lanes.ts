/** The lanes of one run: opened as they are needed, never more than may work at once. */

import type { HashSettings } from "../../core/hasher.ts";
import type { Lane, LaneReports, LaneSettings } from "./lane.ts";
import { LocalLane } from "./local_lane.ts";
import { WorkerLane } from "./worker_lane.ts";

/** How lanes are made. */
export type Engine = {
  /** Lanes at most. */
  readonly jobs: number;
  /** The same while content is written to files. */
  readonly writers: number;
  readonly workerUrl: URL | string | undefined;
  /** Cost of all work from which workers are started. */
  readonly workersFrom: number;
  readonly native: boolean;
};

/** Lanes at most. */
export type MostLanes = { readonly workers: number; readonly local: number };

/** What lanes report and share. */
export type LanesOptions = LaneReports & { readonly shared: SharedArrayBuffer };

/** Either workers or this thread; which of the two is settled when the first lane is asked for. */
export class Lanes {
  readonly #engine: Engine;
  readonly #settings: LaneSettings;
  readonly #reports: LaneReports;
  readonly #open: Lane[] = [];
  readonly #idle: Lane[] = [];
  #local: boolean | undefined;

  constructor(settings: HashSettings, engine: Engine, options: LanesOptions) {
    this.#engine = engine;
    this.#settings = {
      type: settings.algorithm,
      native: engine.native,
      followLinks: settings.allowSymlinks,
      shared: options.shared,
    };
    this.#reports = options;
  }

  /**
   * An idle lane or another one; none when all are at work, or while it is too early to tell whether workers
   * pay.
   *
   * @param cost of all work found so far
   * @param settled whether work must begin with no more known than that
   * @param most lanes that do something useful, in workers and in this thread
   */
  take(cost: number, settled: boolean, most: MostLanes): Lane | undefined {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    const { workerUrl, workersFrom } = this.#engine;
    if (this.#local === undefined) {
      if (workerUrl !== undefined && cost >= workersFrom) this.#local = false;
      else if (workerUrl === undefined || settled) this.#local = true;
      else return undefined;
    }
    if (this.#open.length >= (this.#local ? most.local : most.workers)) return undefined;
    const lane = this.#local || workerUrl === undefined
      ? new LocalLane(this.#settings, this.#reports)
      : new WorkerLane(workerUrl, this.#settings, this.#reports);
    this.#open.push(lane);
    return lane;
  }

  /** Workers that were started; none when this thread hashes. */
  get workers(): number {
    return this.#local === false ? this.#open.length : 0;
  }

  /** Gives a lane back. */
  put(lane: Lane): void {
    this.#idle.push(lane);
  }

  /** Ends all lanes at once. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map((lane) => lane.close()));
  }
}
