/** What the engine and its workers share while they run: a byte count, and the word to stop. */

const BYTES = 0;
const STOPPED = 1;

/** Counters in shared memory. */
export class Tally {
  /** To be handed to a worker, which makes its own `Tally` of it. */
  readonly shared: SharedArrayBuffer;
  readonly #cells: BigInt64Array;

  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(16)) {
    this.shared = shared;
    this.#cells = new BigInt64Array(shared);
  }

  /** Counts bytes that were hashed. */
  add(bytes: number): void {
    Atomics.add(this.#cells, BYTES, BigInt(bytes));
  }

  /** Bytes hashed so far, by all threads. */
  get bytes(): number {
    return Number(Atomics.load(this.#cells, BYTES));
  }

  /** Tells every thread to stop at its next chunk. */
  stop(): void {
    Atomics.store(this.#cells, STOPPED, 1n);
  }

  /** Whether every thread is to stop. */
  get stopped(): boolean {
    return Atomics.load(this.#cells, STOPPED) !== 0n;
  }
}
