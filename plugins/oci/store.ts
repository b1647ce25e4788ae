/** What registries and layouts have in common. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Descriptor } from "./descriptor.ts";
import type { OciDigest } from "./digest.ts";
import type { OciManifest } from "./manifest.ts";
import type { Target } from "./reference.ts";

/** A manifest that was fetched. */
export type Resolved = {
  /** Of the bytes: their digest was computed, and is the one that was asked for if one was. */
  readonly descriptor: Descriptor;
  readonly bytes: Uint8Array;
  /** What the bytes say. */
  readonly manifest: OciManifest;
};

/** What one document or blob can be guilty of. Everything else is an outage of the store. */
const OWN_FAULTS: ReadonlySet<string> = new Set([
  "OCI_NOT_FOUND",
  "OCI_MANIFEST",
  "OCI_DIGEST_MISMATCH",
]);

/** Whether an error says something about what was asked for, and nothing about the store. */
export function isOwnFault(error: unknown): error is ModelSigningError {
  return error instanceof ModelSigningError && OWN_FAULTS.has(error.code);
}

/**
 * Reads one repository of a registry, or one layout.
 *
 * All methods throw {@link ModelSigningError}: `OCI_NOT_FOUND` for what is not there, `OCI_MANIFEST` for a
 * document that is malformed, `OCI_DIGEST_MISMATCH` for content that is not what was asked for, `OCI_UNAUTHORIZED`,
 * `OCI_CREDENTIALS`, `NETWORK_*` and `FILE_UNREADABLE` for what keeps them from being carried out, `ABORTED`.
 */
export interface OciReader {
  /** Names the repository or the layout in messages; safe to print. */
  readonly name: string;
  /**
   * Fetches a manifest or an index. A digest counts more than a tag. What a tag leads to is fetched in one request
   * and its digest computed from the bytes, so a tag that moves meanwhile cannot make two halves of one answer;
   * everything after that goes by digest.
   */
  resolve(target: Target, options: RunOptions): Promise<Resolved>;
  /**
   * The content that a descriptor describes. The stream has exactly that size and digest, or ends with an error:
   * the last bytes are held back until the digest is known. The caller reads it to its end, or cancels it.
   */
  blob(descriptor: Descriptor, options: RunOptions): Promise<ReadableStream<Uint8Array>>;
  /** The same for a caller who checks size and digest himself: what comes may be anything, and of any length. */
  uncheckedBlob(descriptor: Descriptor, options: RunOptions): Promise<ReadableStream<Uint8Array>>;
  /**
   * Descriptors of the manifests whose subject is this one. What is listed is a claim: only the manifest itself
   * tells what it is and what it is about. At most `MAX_REFERRERS`; then `OCI_MANIFEST` is thrown.
   *
   * @param artifactType leaves out what is clearly of another type. A descriptor without a type, or with that of the
   * empty config as cosign 3.1 writes it, is not.
   */
  referrers(
    subject: OciDigest,
    options: RunOptions,
    artifactType?: string,
  ): AsyncIterable<Descriptor>;
}

/** Writes to one repository of a registry, or to one layout. Throws like {@link OciReader}, and `FILE_UNWRITABLE`. */
export interface OciWriter {
  /** Finds out whether anything could be stored, and stores nothing. */
  requireWritable(options: RunOptions): Promise<void>;
  /** Stores content, unless it is there. */
  pushBlob(bytes: Uint8Array, mediaType: string, options: RunOptions): Promise<Descriptor>;
  /**
   * Stores a manifest by its digest, or by a tag. Its blobs have to be there. One with a subject is among that
   * one's referrers afterwards; when that fails the manifest is left behind, but no tag leads to it.
   */
  pushManifest(
    bytes: Uint8Array,
    options: RunOptions,
    tag?: string,
  ): Promise<Descriptor>;
}

/** A repository of a registry, or a layout. */
export interface OciStore extends OciReader, OciWriter {}
