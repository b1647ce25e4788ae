/** The file that content is written to while it is hashed. */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { Pace } from "./pace.ts";

/** Exclusive: on a file system without case, two names may be one file. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** Not on every system. */
const { O_DIRECT } = constants as { readonly O_DIRECT?: number };

/** What the place and the length of a direct write must be multiples of: the largest block of a usual disk. */
const BLOCK_BYTES = 4096;

/**
 * Bytes of a write to the page cache. Linux keeps what a larger write brings in larger pages, which a machine may have
 * to look for: about 1 GiB was pulled in 2.0 s by writes of 64 KiB, in 2.2 s by writes of 256 KiB (medians of five,
 * ext4, in a virtual machine).
 */
const CACHED_BYTES = 64 * 1024;

/**
 * A new file that is written from its start to its end, through the page cache or past it (`O_DIRECT`), as its
 * {@link Pace} says: in a virtual machine whose host takes back free memory, 4 GiB were pulled in 9 s through the page
 * cache, and in 4.5 s when most of it went past it.
 */
export class FileCopy {
  readonly #pace: Pace;
  readonly #file: number;
  /** The same file, for direct writes. */
  #direct: number | undefined;
  #position = 0;

  /** Creates the file. Throws what the system throws, as the methods do. */
  constructor(path: string, pace: Pace) {
    this.#pace = pace;
    this.#file = openSync(path, NEW_FILE, 0o644);
    if (O_DIRECT === undefined) pace.settle();
  }

  /**
   * Writes the next bytes.
   *
   * @param hashing how long it took to hash them, in ms
   */
  write(bytes: Uint8Array, hashing: number): void {
    const position = this.#position;
    this.#position += bytes.length;
    const isWhole = position % BLOCK_BYTES === 0 && bytes.length % BLOCK_BYTES === 0;
    if (!isWhole) return this.#writeCached(bytes, position);
    const start = performance.now();
    if (this.#pace.way === "cached") this.#writeCached(bytes, position);
    else this.#writeDirect(bytes, position);
    this.#pace.took(performance.now() - start, hashing);
  }

  /** Closes the file. */
  close(): void {
    try {
      if (this.#direct !== undefined) closeSync(this.#direct);
    } finally {
      closeSync(this.#file);
    }
  }

  #writeCached(bytes: Uint8Array, position: number): void {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(CACHED_BYTES, bytes.length - at);
      at += writeSync(this.#file, bytes, at, length, position + at);
    }
  }

  #writeDirect(bytes: Uint8Array, position: number): void {
    let written = 0;
    try {
      // Not by its path, where another file may have taken its place.
      this.#direct ??= openSync(`/proc/self/fd/${this.#file}`, constants.O_WRONLY | O_DIRECT!);
      written = writeSync(this.#direct, bytes, 0, bytes.length, position);
    } catch {
      // The file system, where the bytes lie, or a missing /proc does not allow it. What else is wrong shows again below.
      this.#pace.settle();
    }
    if (written < bytes.length) this.#writeCached(bytes.subarray(written), position + written);
  }
}
