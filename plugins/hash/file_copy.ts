/** The file that content is written to while it is hashed. */

import { closeSync, constants, fstatSync, openSync, writeSync } from "node:fs";
import { systemCode } from "../../core/errors.ts";
import type { Pace } from "./pace.ts";

/** Exclusive: on a file system without case, two names may be one file. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/** On Linux only. */
const { O_DIRECT } = constants as { readonly O_DIRECT?: number };

/** What a system answers to a direct write that it does not do, whether for the file or for where the bytes lie. */
const NOT_DIRECT: ReadonlySet<unknown> = new Set(["EINVAL", "EOPNOTSUPP"]);

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
 * cache, and in 4.5 s when most of it went past it. Direct writes want bytes that begin with a block in memory, too, as
 * they do on Bun; elsewhere the first of them is answered with `EINVAL`.
 */
export class FileCopy {
  readonly #path: string;
  readonly #pace: Pace;
  readonly #file: number;
  /** The same file, for direct writes. */
  #direct: number | undefined;
  #position = 0;

  /** Creates the file. Throws what the system throws, as the methods do. */
  constructor(path: string, pace: Pace) {
    this.#path = path;
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
    this.#direct ??= this.#openDirect();
    const written = this.#direct === undefined ? 0 : tryDirect(this.#direct, bytes, position) ?? 0;
    if (written === 0) this.#pace.settle();
    if (written < bytes.length) this.#writeCached(bytes.subarray(written), position + written);
  }

  /** Nothing where the system does not open it so, or something else has taken the file's place. */
  #openDirect(): number | undefined {
    let direct: number;
    try {
      direct = openSync(this.#path, constants.O_WRONLY | constants.O_NOFOLLOW | O_DIRECT!);
    } catch {
      return undefined;
    }
    const [ours, theirs] = [fstatSync(this.#file), fstatSync(direct)];
    if (ours.dev === theirs.dev && ours.ino === theirs.ino) return direct;
    closeSync(direct);
    return undefined;
  }
}

/** Bytes that were written; undefined when the system does not do it. What is wrong with the disk is thrown. */
function tryDirect(file: number, bytes: Uint8Array, position: number): number | undefined {
  try {
    return writeSync(file, bytes, 0, bytes.length, position);
  } catch (error) {
    if (NOT_DIRECT.has(systemCode(error))) return undefined;
    throw error;
  }
}
