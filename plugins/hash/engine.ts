/** The hashing engine: one for files and shards, in this thread or in workers. */

import { availableParallelism } from "node:os";
import { ModelSigningError } from "../../core/errors.ts";
import type { Hashed, Hasher, HasherFactory, HashSettings } from "../../core/hasher.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Entry } from "../../core/source.ts";
import type { Engine } from "./lanes.ts";
import { Run } from "./run.ts";

/** How the engine works. None of it changes a digest. */
export type EngineOptions = {
  /**
   * Workers at most, and streams at a time, of which there are never more than 8. Default: the available parallelism,
   * and one more for streams that are written to files, since whoever writes waits for the disk now and then.
   */
  readonly jobs?: number;
  /**
   * The module that workers run, `plugins/hash/worker.ts` or one that imports it; handed to `new Worker` as
   * it is. Without it everything is hashed in the calling thread.
   */
  readonly workerUrl?: URL | string;
  /** Bytes in total below which no worker is started, a file counting for 16 KiB more. */
  readonly workersFrom?: number;
  /** Whether BLAKE3 may load native code. Default: true; WebAssembly is several times slower. */
  readonly native?: boolean;
};

/** More threads than any machine has use for; a typing error in `--jobs` must not exhaust memory. */
export const MAX_JOBS = 1024;

/** 32 MiB took the compiled binary 24 ms in this thread and 26 ms in two workers, 64 MiB 47 and 37. */
const WORKERS_FROM_BYTES = 32 * 1024 * 1024;

/**
 * Makes a hasher that reads files by their location, in parallel and largest first, and other content through the
 * entry's `open`, several streams at a time.
 *
 * @throws {ModelSigningError} `USAGE` for a shard size or number of jobs that is not a positive integer
 */
export function createHasher(settings: HashSettings, options: EngineOptions = {}): Hasher {
  const jobs = options.jobs ?? availableParallelism();
  requirePositive("shard size", settings.shardSize ?? 1, Number.MAX_SAFE_INTEGER);
  requirePositive("number of jobs", jobs, MAX_JOBS);
  return new ParallelHasher(settings, {
    jobs,
    writers: options.jobs ?? jobs + 1,
    workerUrl: options.workerUrl,
    workersFrom: options.workersFrom ?? WORKERS_FROM_BYTES,
    native: options.native ?? true,
  });
}

/** A {@link HasherFactory} whose hashers all work in one way. */
export function hasherFactory(options: EngineOptions = {}): HasherFactory {
  return (settings) => createHasher(settings, options);
}

class ParallelHasher implements Hasher {
  readonly #settings: HashSettings;
  readonly #engine: Engine;
  readonly #runs = new Set<Run>();

  constructor(settings: HashSettings, engine: Engine) {
    this.#settings = settings;
    this.#engine = engine;
  }

  async *hash(
    entries: AsyncIterable<Entry>,
    options: RunOptions,
  ): AsyncGenerator<Hashed, void, void> {
    const run = new Run(this.#settings, this.#engine, options);
    this.#runs.add(run);
    try {
      yield* run.results(entries);
    } finally {
      this.#runs.delete(run);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const run of this.#runs) run.stop();
    return Promise.resolve();
  }
}

function requirePositive(what: string, value: number, most: number): void {
  if (!Number.isSafeInteger(value) || value < 1 || value > most) {
    throw new ModelSigningError("USAGE", `the ${what} is ${value}, expected 1 to ${most}`);
  }
}
