/** Blobs as entries of a model. */

import { type ErrorCode, type IssueCode, ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { ByteRange, Entry } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import { locationOf } from "../_file/mod.ts";
import type { LayoutStore } from "./layout.ts";
import type { NamedBlob } from "./naming.ts";
import type { OciReader } from "./store.ts";

/** Makes the entry of a blob. */
export type EntryOf = (blob: NamedBlob, options: RunOptions) => Entry | Promise<Entry>;

/** Blobs that are known by what the manifest says. */
export const statedEntry: EntryOf = ({ name, descriptor, digest, extra }) => ({
  kind: "digest",
  path: name,
  size: descriptor.size,
  ...digest,
  extra,
});

/**
 * Blobs that are fetched when they are read.
 *
 * @param onFault called with what the store throws, of which an entry's stream only says what it means for the model
 */
export function fetchedEntries(
  store: OciReader,
  onFault: (error: ModelSigningError) => void = () => {},
): (blob: NamedBlob, options: RunOptions) => Extract<Entry, { kind: "file" }> {
  return (blob, options) => {
    const { name: path, descriptor, digest: expected, extra } = blob;
    const { size } = descriptor;
    const open = (range?: ByteRange, compares = false) => {
      const isWhole = range === undefined || (range.start === 0 && range.end === size);
      const fetched = (signal: AbortSignal) =>
        isWhole && compares
          ? store.uncheckedBlob(descriptor, { ...options, signal })
          : store.blob(descriptor, { ...options, signal });
      const content = new Content({
        blob,
        fetched,
        range: isWhole ? undefined : range,
        signal: options.signal,
        onFault,
      });
      return new ReadableStream(content, { highWaterMark: 0 });
    };
    return { kind: "file", path, size, expected, extra, open };
  };
}

/** Blobs that lie on this machine. */
export function localEntries(layout: LayoutStore): EntryOf {
  const fetched = fetchedEntries(layout);
  return async (blob, options) => {
    const { name: path, descriptor } = blob;
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
    return { ...fetched(blob, options), location: locationOf(found.path, stats) };
  };
}

type ContentInput = {
  readonly blob: NamedBlob;
  /** Sends the request; the signal ends it. */
  readonly fetched: (signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;
  /** Without it all is read, and has to have the size that the manifest states. */
  readonly range: ByteRange | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onFault: (error: ModelSigningError) => void;
};

/** Reads a blob, or a range of it, for a stream. */
class Content implements UnderlyingDefaultSource<Uint8Array> {
  readonly #blob: NamedBlob;
  readonly #fetched: ContentInput["fetched"];
  readonly #range: ByteRange | undefined;
  readonly #onFault: ContentInput["onFault"];
  readonly #cancelled = new AbortController();
  readonly #signal: AbortSignal;
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #position = 0;

  constructor({ blob, fetched, range, signal, onFault }: ContentInput) {
    this.#blob = blob;
    this.#fetched = fetched;
    this.#range = range;
    this.#onFault = onFault;
    const own = this.#cancelled.signal;
    this.#signal = signal ? AbortSignal.any([signal, own]) : own;
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { start, end } = this.#range ?? { start: 0, end: Infinity };
    try {
      this.#reader ??= (await this.#fetched(this.#signal)).getReader();
      for (;;) {
        // Also behind the range: at the end it turns out whether this is the blob at all.
        const { done, value } = await this.#reader.read();
        if (done) return this.#end(controller);
        const from = Math.max(0, start - this.#position);
        const part = value.subarray(from, Math.max(from, end - this.#position));
        this.#position += value.length;
        if (this.#position > this.#blob.descriptor.size) throw this.#mismatch("has more bytes");
        if (part.length > 0) return controller.enqueue(part);
      }
    } catch (error) {
      await this.cancel();
      throw this.#fault(error);
    }
  }

  async cancel(): Promise<void> {
    // The request, too, whose answer may not have begun.
    this.#cancelled.abort();
    // What is not read any more can fail as it likes.
    await this.#reader?.cancel().catch(() => {});
  }

  #end(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { size } = this.#blob.descriptor;
    if (this.#position < size) throw this.#mismatch(`has ${this.#position} bytes`);
    controller.close();
  }

  #mismatch(found: string): ModelSigningError {
    const { digest, size } = this.#blob.descriptor;
    return new ModelSigningError(
      "OCI_DIGEST_MISMATCH",
      `blob ${digest} ${found}, its manifest states ${size}`,
    );
  }

  /** With the finding that an error of the store is for the model. */
  #fault(error: unknown): unknown {
    if (!(error instanceof ModelSigningError) || error.code === "ABORTED") return error;
    this.#onFault(error);
    const { message } = error;
    const code = FINDINGS[error.code] ?? "ENTRY_UNREADABLE";
    return new ModelSigningError("FILE_UNREADABLE", message, {
      issues: [{ code, message, path: this.#blob.name }],
      cause: error,
    });
  }
}

/** Errors of a store that say something of the model itself. */
const FINDINGS: Readonly<Partial<Record<ErrorCode, IssueCode>>> = {
  OCI_DIGEST_MISMATCH: "ENTRY_DIGEST",
  OCI_NOT_FOUND: "FILE_MISSING",
};
