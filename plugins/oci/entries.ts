/** Blobs as entries of a model. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { ByteRange, Entry } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import { FileEntry, locationOf } from "../_file/mod.ts";
import type { LayoutStore } from "./layout.ts";
import type { NamedBlob } from "./naming.ts";
import type { OciReader } from "./store.ts";

/** Makes the entry of a blob. */
export type EntryOf = (blob: NamedBlob, options: RunOptions) => Entry | Promise<Entry>;

/** A blob that is known by what the manifest says. */
export function entryByDigest({ name, descriptor, digest, extra }: NamedBlob): Entry {
  return { kind: "digest", path: name, size: descriptor.size, ...digest, extra };
}

/** Blobs that are fetched when they are read. */
export function fetchedEntries(store: OciReader): EntryOf {
  return (blob, options) => {
    const { name: path, descriptor: { size }, digest: expected, extra } = blob;
    const open = (range: ByteRange = { start: 0, end: size }) =>
      new ReadableStream(new Content(store, blob, range, options), { highWaterMark: 0 });
    return { kind: "file", path, size, expected, extra, open };
  };
}

/** Blobs that lie on this machine. */
export function localEntries(layout: LayoutStore): EntryOf {
  return async (blob, options) => {
    const { name: path, descriptor, digest: expected, extra } = blob;
    const found = await layout.locate(descriptor, options);
    if (found === undefined) {
      const message = `${quote(path)} is missing: blob ${descriptor.digest} is not in the layout`;
      return { kind: "refused", path, issue: { code: "FILE_MISSING", message, path } };
    }
    const { stats } = found;
    if (stats.size !== descriptor.size) {
      const message = `${
        quote(path)
      } has ${stats.size} bytes, its manifest states ${descriptor.size}`;
      return { kind: "refused", path, issue: { code: "ENTRY_DIGEST", message, path } };
    }
    return new FileEntry(path, stats.size, locationOf(found.path, stats), { expected, extra });
  };
}

/** Reads a range of a blob for a stream. Only when all of it is read, its digest can be checked. */
class Content implements UnderlyingDefaultSource<Uint8Array> {
  readonly #store: OciReader;
  readonly #blob: NamedBlob;
  readonly #range: ByteRange;
  readonly #options: RunOptions;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #position = 0;

  constructor(store: OciReader, blob: NamedBlob, range: ByteRange, options: RunOptions) {
    this.#store = store;
    this.#blob = blob;
    this.#range = range;
    this.#options = options;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { start, end } = this.#range;
    const isWhole = start === 0 && end === this.#blob.descriptor.size;
    try {
      this.#reader ??= (await this.#store.blob(this.#blob.descriptor, this.#options)).getReader();
      for (;;) {
        if (!isWhole && this.#position >= end) {
          await this.#reader.cancel();
          return controller.close();
        }
        const { done, value } = await this.#reader.read();
        if (done) return controller.close();
        const from = Math.max(0, start - this.#position);
        const part = value.subarray(from, Math.max(from, end - this.#position));
        this.#position += value.length;
        if (part.length > 0) return controller.enqueue(part);
      }
    } catch (error) {
      throw this.#fault(error);
    }
  }

  async cancel(): Promise<void> {
    await this.#reader?.cancel();
  }

  /** With the finding that an error of the store is for the model. */
  #fault(error: unknown): unknown {
    if (!(error instanceof ModelSigningError) || error.code === "ABORTED") return error;
    const { name: path } = this.#blob;
    const code = error.code === "OCI_DIGEST_MISMATCH"
      ? "ENTRY_DIGEST"
      : error.code === "OCI_NOT_FOUND"
      ? "FILE_MISSING"
      : "ENTRY_UNREADABLE";
    const { message } = error;
    return new ModelSigningError("FILE_UNREADABLE", message, {
      issues: [{ code, message, path }],
      cause: error,
    });
  }
}
