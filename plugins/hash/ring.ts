/** Memory through which a stream's content goes to a worker. */

import { Bell } from "./bell.ts";

/**
 * Bytes of a piece. In an experiment with Bun 1.4.5 that handed memory over, 4 GiB were pulled in 5.4 s with pieces of
 * 256 KiB and in 5.9 s with 1 MiB, which no longer stay in the core's cache.
 */
const PIECE_BYTES = 256 * 1024;

/** Pieces that a worker may be behind. */
const PIECES = 16;

/** Where a piece lies in the ring's memory. */
export type Piece = { readonly at: number; readonly length: number };

/**
 * Collects bytes into pieces of shared memory and sends each that is full. Each piece is in one hand at a time: it is
 * filled again when the worker has given it back. Handing over memory of its own instead took 4 GiB 1.0 s of CPU time
 * more (Bun 1.4.5).
 */
export class Ring {
  /** To be handed to the worker. */
  readonly shared: SharedArrayBuffer = new SharedArrayBuffer(PIECES * PIECE_BYTES);
  readonly #memory = new Uint8Array(this.shared);
  readonly #send: (piece: Piece) => void;
  readonly #free: number[] = Array.from({ length: PIECES }, (_, index) => index * PIECE_BYTES);
  readonly #bell = new Bell();
  #at: number | undefined;
  #filled = 0;
  #closed: Error | undefined;

  /** @param send tells the worker of a piece */
  constructor(send: (piece: Piece) => void) {
    this.#send = send;
  }

  /** Copies bytes; waits for pieces to come back. Throws what {@link close} was given. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      if (this.#closed !== undefined) throw this.#closed;
      const at = this.#at ??= await this.#next();
      const part = bytes.subarray(done, done + PIECE_BYTES - this.#filled);
      this.#memory.set(part, at + this.#filled);
      done += part.length;
      this.#filled += part.length;
      if (this.#filled === PIECE_BYTES) this.flush();
    }
  }

  /** Sends what has been collected. */
  flush(): void {
    if (this.#at === undefined || this.#filled === 0) return;
    this.#send({ at: this.#at, length: this.#filled });
    this.#at = undefined;
    this.#filled = 0;
  }

  /** Forgets what has been collected and not sent. */
  rewind(): void {
    this.#filled = 0;
  }

  /** A piece is back. */
  giveBack(at: number): void {
    this.#free.push(at);
    this.#bell.ring();
  }

  /** Ends {@link add} with an error, now and from now on. */
  close(error: Error): void {
    this.#closed ??= error;
    this.#bell.ring();
  }

  async #next(): Promise<number> {
    for (;;) {
      const at = this.#free.pop();
      if (at !== undefined) return at;
      await this.#bell.wait();
      if (this.#closed !== undefined) throw this.#closed;
    }
  }
}
