/** One pass over a model's entries: queues, lanes, results. */

import { aborted, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { Hashed, HashSettings } from "../../core/hasher.ts";
import type { RunOptions } from "../../core/options.ts";
import { shardRanges } from "../../core/shard.ts";
import type { ByteRange, Entry } from "../../core/source.ts";
import { Bell } from "./bell.ts";
import { compares, type FileEntry, hashedOf, isOneStream, statedOf } from "./hashed.ts";
import { LargestFirst } from "./heap.ts";
import type { Lane } from "./lane.ts";
import { type Engine, Lanes, type MostLanes } from "./lanes.ts";
import { Meter } from "./meter.ts";
import { hashStream, type StreamTask } from "./stream.ts";
import { Tally } from "./tally.ts";
import type { FileUnit, Outcome } from "./unit.ts";

/** Units and results that wait, at most: what the memory of a run is bounded by. */
const WINDOW = 4096;

/**
 * What opening and checking a file costs, in bytes that SHA-256 hashes meanwhile: 100,000 files of 4 KiB took one
 * thread of the compiled binary 18 µs each, of which hashing is 3.
 */
const FILE_COST = 16 * 1024;

/** Cost of what a lane is given at a time: about 3 ms of work, so that lanes end together. */
const BATCH_COST = 4 * 1024 * 1024;

/**
 * Streams at a time, whatever `jobs` says: each is a request to a server that has others to serve, and takes 12 to 15
 * MiB. More would not be quicker where the network is: one thread receives them all.
 */
const MAX_STREAMS = 8;

/** A file under way. */
type FileState = {
  readonly entry: FileEntry;
  /** Ranges not settled yet, and one more while ranges are being added. */
  left: number;
  /** A file has one issue at most, however many of its shards fail. */
  failed: boolean;
};

type RangeOf<T> = { readonly file: FileState; readonly range: T };

/**
 * Content that comes as one stream; `parts` gives its ranges that have a digest each. Never a list of them: the size
 * of the file may be nothing but a claim, and there are as many as it says.
 */
type Streamed = RangeOf<ByteRange> & { readonly parts: () => Iterable<ByteRange> };

/** Hashes the entries of one `hash` call. */
export class Run {
  readonly #settings: HashSettings;
  readonly #engine: Engine;
  readonly #options: RunOptions;
  readonly #tally = new Tally();
  readonly #meter: Meter;
  readonly #stop = new AbortController();

  readonly #files = new LargestFirst<RangeOf<FileUnit>>(({ range }) => cost(range));
  readonly #streams: Streamed[] = [];
  #queuedCost = 0;
  #foundCost = 0;
  #entriesEnded = false;

  readonly #lanes: Lanes;
  /** Lanes at work. */
  #busy = 0;
  /** Of them, those that take streams. */
  #streaming = 0;
  #fellBack = false;

  #ready: Hashed[] = [];
  #closing: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  /** Rings when the consumer may find something new. */
  readonly #news = new Bell();
  /** Rings when the window may have room again. */
  readonly #room = new Bell();

  constructor(settings: HashSettings, engine: Engine, options: RunOptions) {
    this.#settings = settings;
    this.#engine = engine;
    this.#options = options;
    this.#meter = new Meter(this.#tally, options.observer);
    this.#lanes = new Lanes(settings, engine, {
      shared: this.#tally.shared,
      onFallback: (reason) => this.#fallBack(reason),
      onFailure: (error) => this.#fail(error),
    });
  }

  /** What becomes of the entries, in order of completion. To be called once. */
  async *results(entries: AsyncIterable<Entry>): AsyncGenerator<Hashed, void, void> {
    const { signal } = this.#options;
    throwIfAborted(signal);
    const abort = () => this.#fail(aborted(signal?.reason));
    signal?.addEventListener("abort", abort);
    this.#meter.start();
    this.#feed(entries).catch((error: unknown) => this.#fail(error));
    try {
      for (;;) {
        const ready = this.#ready;
        this.#ready = [];
        this.#room.ring();
        for (const hashed of ready) {
          this.#throwIfFailed();
          yield hashed;
        }
        this.#throwIfFailed();
        if (this.#ready.length > 0) continue;
        if (this.#finished) return;
        await this.#news.wait();
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      const closing = this.#close();
      this.#meter.end();
      this.#options.span?.set({ "hash.workers": this.#lanes.workers });
      await closing;
    }
  }

  /** Ends the run at once; its consumer gets `ABORTED`. */
  stop(): void {
    this.#fail(aborted());
  }

  get #finished(): boolean {
    return this.#entriesEnded && this.#busy === 0 && this.#files.length === 0 &&
      this.#streams.length === 0;
  }

  get #full(): boolean {
    return this.#files.length + this.#streams.length + this.#ready.length >= WINDOW;
  }

  get #stopped(): boolean {
    return this.#stop.signal.aborted;
  }

  async #feed(entries: AsyncIterable<Entry>): Promise<void> {
    for await (const entry of entries) {
      if (this.#stopped) return;
      if (entry.kind === "file") {
        if (entry.copyTo !== undefined && this.#settings.shardSize !== undefined) {
          throw new ModelSigningError(
            "USAGE",
            "a file is to be written while it is hashed in shards",
          );
        }
        this.#meter.filesFound++;
        this.#meter.bytesFound += entry.size;
        const file: FileState = { entry, left: 1, failed: false };
        for (const work of this.#workOn(file)) {
          this.#queue(work);
          while (this.#full && !this.#stopped) await this.#room.wait();
          if (this.#stopped) return;
          if (file.failed) break;
        }
        this.#release(file);
      } else {
        this.#pass(entry);
        while (this.#full && !this.#stopped) await this.#room.wait();
        if (this.#stopped) return;
      }
    }
    this.#entriesEnded = true;
    this.#meter.totalsFinal = true;
    this.#dispatch();
    this.#news.ring();
  }

  /** What there is to do for a file. */
  *#workOn(file: FileState): Generator<RangeOf<ByteRange> | Streamed, void, void> {
    const { entry } = file;
    const { shardSize } = this.#settings;
    const whole = { start: 0, end: entry.size };
    const parts = () => shardSize === undefined ? [whole] : shardRanges(entry.size, shardSize);
    if (isOneStream(entry, this.#settings)) return yield { file, range: whole, parts };
    if (shardSize !== undefined && entry.size === 0) this.#uncover(file);
    for (const range of parts()) {
      yield entry.location === undefined ? { file, range, parts: () => [range] } : { file, range };
    }
  }

  #queue(work: RangeOf<ByteRange> | Streamed): void {
    const { file, range } = work;
    file.left++;
    if ("parts" in work) {
      this.#streams.push(work);
    } else {
      const { path, device, inode, modified } = file.entry.location!;
      const { size } = file.entry;
      const { start, end } = range;
      this.#files.push({ file, range: { path, device, inode, modified, size, start, end } });
      this.#queuedCost += cost(range);
    }
    this.#foundCost += cost(range);
    this.#dispatch();
  }

  /** Of an empty file there is no shard. */
  #uncover({ entry }: FileState): void {
    this.#give({ kind: "uncovered", path: entry.path });
  }

  /** Entries that need no hashing. */
  #pass(entry: Exclude<Entry, FileEntry>): void {
    switch (entry.kind) {
      case "ignored":
        return this.#give({ kind: "ignored", path: entry.path });
      case "refused":
        return this.#give({ kind: "issue", issue: entry.issue });
      case "digest":
        this.#meter.filesFound++;
        this.#meter.filesDone++;
        return this.#give(statedOf(entry, this.#settings));
    }
  }

  #give(hashed: Hashed): void {
    this.#ready.push(hashed);
    this.#news.ring();
  }

  /** Gives work to whoever is idle, once there is enough for a batch or no more to come. */
  #dispatch(): void {
    if (this.#stopped) return;
    const settled = this.#entriesEnded || this.#full;
    const { jobs, writers } = this.#engine;
    const take = (most: MostLanes) => this.#lanes.take(this.#foundCost, settled, most);
    while (this.#streams.length > 0 && this.#streaming < MAX_STREAMS) {
      const workers = this.#streams[0]!.file.entry.copyTo === undefined ? jobs : writers;
      // Also in this thread: while one is hashed, the others' bytes arrive.
      const lane = take({ workers, local: jobs });
      if (lane === undefined) return;
      void this.#occupy(lane, this.#hashStream(lane, this.#streams.shift()!));
    }
    while (this.#files.length > 0 && (this.#queuedCost >= BATCH_COST || settled)) {
      const lane = take({ workers: jobs, local: 1 });
      if (lane === undefined) return;
      void this.#occupy(lane, this.#hashBatch(lane, this.#takeBatch()));
    }
  }

  #takeBatch(): readonly RangeOf<FileUnit>[] {
    const batch: RangeOf<FileUnit>[] = [];
    for (let total = 0; total < BATCH_COST;) {
      const task = this.#files.pop();
      if (task === undefined) break;
      total += cost(task.range);
      this.#queuedCost -= cost(task.range);
      batch.push(task);
    }
    return batch;
  }

  /** Takes a lane back when its work is done. */
  async #occupy(lane: Lane, work: Promise<void>): Promise<void> {
    this.#busy++;
    this.#room.ring();
    try {
      await work;
      if (this.#stopped) return;
      this.#lanes.put(lane);
      this.#dispatch();
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#busy--;
    }
    this.#news.ring();
  }

  async #hashBatch(lane: Lane, tasks: readonly RangeOf<FileUnit>[]): Promise<void> {
    this.#meter.current = tasks[0]?.file.entry.path;
    const outcomes = await lane.run(tasks.map(({ range }) => range));
    if (this.#stopped) return;
    tasks.forEach(({ file, range }, index) => this.#settle(file, range, outcomes[index]!));
  }

  async #hashStream(lane: Lane, { file, range, parts }: Streamed): Promise<void> {
    const { entry } = file;
    const { path, copyTo, size } = entry;
    this.#meter.current = path;
    const length = range.end - range.start;
    const task: StreamTask = {
      unit: { path, ...(copyTo === undefined ? {} : { copyTo }) },
      length,
      parts: lengthsOf(parts()),
      // Asking for no range shows bytes beyond the size, too.
      open: () =>
        length === size
          ? entry.open(undefined, compares(entry, this.#settings))
          : entry.open(range),
    };
    this.#streaming++;
    const hashed = await hashStream(task, lane, this.#stop.signal)
      .finally(() => this.#streaming--);
    if (this.#stopped) return;
    if ("code" in hashed) return this.#settle(file, range, hashed);
    if (hashed.digests.length === 0) {
      this.#uncover(file);
      return this.#release(file);
    }
    file.left += hashed.digests.length - 1;
    let index = 0;
    for (const part of parts()) this.#settle(file, part, hashed.digests[index++]!);
  }

  #settle(file: FileState, range: ByteRange, outcome: Outcome): void {
    const hashed = hashedOf(file.entry, range, outcome, this.#settings);
    if (hashed.kind === "resource" || !file.failed) this.#ready.push(hashed);
    if (hashed.kind === "issue") file.failed = true;
    this.#release(file);
  }

  #release(file: FileState): void {
    if (--file.left === 0) this.#meter.filesDone++;
  }

  /** Says, once a run, that a lane does without native code. */
  #fallBack(reason: string): void {
    if (this.#fellBack) return;
    this.#fellBack = true;
    const message = "hashing BLAKE3 with WebAssembly instead of native code";
    this.#options.logger?.log("debug", message, { reason });
  }

  #throwIfFailed(): void {
    if (this.#failure) throw this.#failure.error;
  }

  #fail(error: unknown): void {
    this.#failure ??= { error };
    void this.#close();
    this.#news.ring();
  }

  #close(): Promise<void> {
    if (this.#closing === undefined) {
      this.#tally.stop();
      this.#stop.abort();
      this.#room.ring();
      this.#closing = this.#lanes.close();
    }
    return this.#closing;
  }
}

function* lengthsOf(ranges: Iterable<ByteRange>): Generator<number, void, void> {
  for (const { start, end } of ranges) yield end - start;
}

function cost({ start, end }: ByteRange): number {
  return end - start + FILE_COST;
}
