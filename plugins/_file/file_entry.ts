/** A file of the model and its content. */

import type { Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { type IssueCode, ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { READ_ONLY_NO_FOLLOW } from "../../core/open_file.ts";
import type { ByteRange, Entry, FileLocation, StatedDigest } from "../../core/source.ts";
import { quote } from "../../core/text.ts";

/** Bytes read at once. 64 KiB to 1 MiB are equally fast; larger is slower. */
const CHUNK = 256 * 1024;

/** Where a file lies, with the facts of its listing. */
export function locationOf(path: string, stats: Stats): FileLocation {
  return { path, device: stats.dev, inode: stats.ino, modified: stats.mtimeMs };
}

/** What is known of a file beyond its name, size and place. */
export type FileFacts = Pick<Extract<Entry, { kind: "file" }>, "expected" | "extra">;

/** A regular file, as it was listed. A class, because there may be millions. */
export class FileEntry implements Extract<Entry, { kind: "file" }> {
  readonly kind = "file";
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly location: FileLocation;
  declare readonly expected?: StatedDigest;
  declare readonly extra?: Readonly<Record<string, unknown>>;

  /** Takes the path inside the model, bytes, and where the file lies. */
  constructor(path: string, size: number, location: FileLocation, facts?: FileFacts) {
    this.path = path;
    this.size = size;
    this.location = location;
    if (facts) Object.assign(this, facts);
  }

  /**
   * The content or a range of it. The file is opened at the first read and closed at the end, at an error
   * and when the stream is cancelled. The stream fails with `FILE_UNREADABLE`, whose `issues` say whether
   * the file could not be read (`ENTRY_UNREADABLE`) or is not the listed one any more (`FILE_CHANGED`).
   *
   * @throws {RangeError} when the range does not lie within the file
   */
  open(range: ByteRange = { start: 0, end: this.size }): ReadableStream<Uint8Array> {
    const { start, end } = range;
    const whole = Number.isSafeInteger(start) && Number.isSafeInteger(end);
    if (!whole || start < 0 || start > end || end > this.size) {
      throw new RangeError(`range ${start}:${end} does not lie within ${this.size} bytes`);
    }
    return new ReadableStream(new Content(this, start, end), { highWaterMark: 0 });
  }
}

/** Reads a file for a stream. */
class Content implements UnderlyingDefaultSource<Uint8Array> {
  readonly #entry: FileEntry;
  readonly #end: number;
  #position: number;
  #file: FileHandle | undefined;
  /** The read under way: a file must not be closed under it. */
  #reading: Promise<void> = Promise.resolve();

  constructor(entry: FileEntry, start: number, end: number) {
    this.#entry = entry;
    this.#position = start;
    this.#end = end;
  }

  pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    this.#reading = this.#read(controller);
    return this.#reading;
  }

  async cancel(): Promise<void> {
    // A failing read has closed the file itself, and nobody waits for its content any more.
    await Promise.allSettled([this.#reading]);
    await this.#close();
  }

  async #read(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    try {
      if (this.#file === undefined) {
        this.#file = await open(this.#entry.location.path, READ_ONLY_NO_FOLLOW);
        await this.#compare(this.#file);
      }
      const left = this.#end - this.#position;
      if (left === 0) {
        // Compared before and after, so that the bytes between belong to the file that was listed.
        await this.#compare(this.#file);
        await this.#close();
        controller.close();
        return;
      }
      const buffer = new Uint8Array(Math.min(CHUNK, left));
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, this.#position);
      if (bytesRead === 0) throw this.#fault("FILE_CHANGED", "became shorter while it was read");
      this.#position += bytesRead;
      controller.enqueue(bytesRead === buffer.length ? buffer : buffer.subarray(0, bytesRead));
    } catch (error) {
      await this.#close();
      if (error instanceof ModelSigningError) throw error;
      throw this.#fault(
        // O_NOFOLLOW: a link took the file's place.
        systemCode(error) === "ELOOP" ? "FILE_CHANGED" : "ENTRY_UNREADABLE",
        `cannot be read: ${systemReason(error)}`,
        error,
      );
    }
  }

  async #compare(file: FileHandle): Promise<void> {
    const { size, location } = this.#entry;
    const stats = await file.stat();
    const same = stats.isFile() && stats.size === size && stats.dev === location.device &&
      stats.ino === location.inode && stats.mtimeMs === location.modified;
    if (!same) throw this.#fault("FILE_CHANGED", "changed after it was listed");
  }

  async #close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  #fault(code: IssueCode, problem: string, cause?: unknown): ModelSigningError {
    const { path } = this.#entry;
    const message = `${quote(path)} ${problem}`;
    return new ModelSigningError("FILE_UNREADABLE", message, {
      issues: [{ code, message, path }],
      ...(cause === undefined ? {} : { cause }),
    });
  }
}
