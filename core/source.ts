/** What is signed: a named set of entries. */

import type { Bundle } from "./bundle.ts";
import type { Issue, Parsed } from "./errors.ts";
import type { HasherFactory, HashType } from "./hasher.ts";
import type { PathFilter } from "./path_filter.ts";
import type { RunOptions } from "./options.ts";

/**
 * Where a file lies and what it looked like when it was listed, so that whoever opens it later can tell
 * that it is still the same file.
 */
export type FileLocation = {
  /** Absolute path in the operating system's own form. */
  readonly path: string;
  readonly device: number;
  readonly inode: number;
  /** Modification time in ms, with fraction. */
  readonly modified: number;
};

/** A half-open range of bytes. */
export type ByteRange = { readonly start: number; readonly end: number };

/** The digest of a whole file that is known without reading it. */
export type StatedDigest = {
  readonly algorithm: HashType;
  /** Lowercase hex. */
  readonly digest: string;
};

/**
 * One thing in a model. `path` is relative to the root, with `/` separators, and has passed `pathProblem()`,
 * but for a refused entry whose name is what was refused.
 */
export type Entry =
  | {
    readonly kind: "file";
    readonly path: string;
    /** Bytes. */
    readonly size: number;
    /** Where to open it directly. Without it, content comes from `open`. */
    readonly location?: FileLocation;
    /**
     * The digest that the model itself states. To a hasher that computes this one, other content is an issue. Any
     * other hasher reads the whole in one stream of `open()`, and uses nothing of it before its end.
     */
    readonly expected?: StatedDigest;
    /** Further members of its resources, those of the whole file also on each of its shards. */
    readonly extra?: Readonly<Record<string, unknown>>;
    /**
     * A file that the hasher creates and writes the content to while it is read: an absolute path in the operating
     * system's own form. What it holds when there is an issue may be anything.
     */
    readonly copyTo?: string;
    /**
     * The content, or a part of it; a stream that ends early or late is an issue to the hasher. Errors of
     * the stream mean that the entry is unreadable. Other content than `expected` is such an error, at the end of the
     * stream at the latest, also of one of a range.
     *
     * @param compares whoever reads compares the content with `expected`, which a source then need not do itself
     */
    open(range?: ByteRange, compares?: boolean): ReadableStream<Uint8Array>;
  }
  /** Content that is known by its digest only, such as the layer of an OCI manifest. */
  | StatedDigest & {
    readonly kind: "digest";
    readonly path: string;
    readonly size: number;
    readonly extra?: Readonly<Record<string, unknown>>;
    /** How to get at the content, for whoever wants another digest. */
    readonly hint?: string;
  }
  /** Excluded, and present: named once at the top, without what lies below. */
  | { readonly kind: "ignored"; readonly path: string }
  /** Present, and not to be signed. */
  | { readonly kind: "refused"; readonly path: string; readonly issue: Issue };

/** How a model is enumerated. */
export type EnumerationRules = {
  /** Which paths to take, to enter and to leave out. */
  readonly filter: PathFilter;
  /** Follow symbolic links instead of refusing them. */
  readonly allowSymlinks: boolean;
  /** Also refuse names that Windows cannot hold safely. Used when verifying on Windows. */
  readonly windowsNames?: boolean;
};

/** A signature that was found beside a model. */
export type FoundSignature = {
  /** What it is called there, such as a digest. Not escaped. */
  readonly reference: string;
  /** One that cannot be used is a finding, and no reason to end the search. */
  readonly bundle: Parsed<Bundle>;
};

/** Keeps signatures beside a model. */
export interface SignatureStore {
  /**
   * Finds out whether something could be stored, as far as that can be told before there is a signature. Without it
   * nothing can.
   *
   * @throws {ModelSigningError} when nothing could be
   */
  prepare?(options: RunOptions): Promise<void>;
  /**
   * Stores a bundle with the model that was opened.
   *
   * @returns what it is called there
   * @throws {ModelSigningError} when it could not be stored; then nothing of it is to be found
   */
  attach(bundle: Uint8Array, options: RunOptions): Promise<string>;
  /** Every signature that is there, in an order that does not change. An outage is thrown. */
  discover(options: RunOptions): AsyncIterable<FoundSignature>;
}

/** Where a model is brought to, and how its content is checked. */
export type PullInput = {
  /** Does not exist yet. */
  readonly folder: string;
  readonly hasher: HasherFactory;
  /** Paths that are signed: `signedPaths()` of a verified report's manifest. */
  readonly signed: ReadonlySet<string>;
  /**
   * Of them, those that the signature calls descriptions of the model, such as a config blob: `metadataPaths()`. What
   * the model itself has as a file is one all the same.
   */
  readonly metadata?: ReadonlySet<string>;
};

/** Brings a model to this machine. */
export interface Puller {
  /**
   * Writes the model's signed files to a folder: all of them, each with the digest that the model states, or none.
   * Nothing else of the model is written.
   *
   * @throws {ModelSigningError} when anything went wrong; then the folder does not exist
   */
  pull(input: PullInput, options: RunOptions): Promise<void>;
}

/** A model with what its source can do besides listing it. */
export type OpenedSource = {
  readonly source: ManifestSource;
  readonly signatures?: SignatureStore;
  readonly puller?: Puller;
};

/** What a signed resource is, when it need not be a file of the model: what describes it, or an archive of files. */
export type ResourceRole = "metadata" | "archive";

/**
 * A model, ready to be enumerated.
 *
 * `entries` never hashes. One bad entry is `refused` and the enumeration goes on. Order is free. An outage
 * of the source as a whole is thrown.
 */
export interface ManifestSource {
  /** The model's name, for `subject[0].name`. */
  readonly name: string;
  /** `subject[0].annotations`. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** True when the model is one file whose entry is called by the model's name. */
  readonly singleFile: boolean;
  /** What the user excluded, relative to the root, canonical. */
  readonly ignorePaths: readonly string[];
  /**
   * Whether git's files at the top are left out unless the user says. Default: true. False where nothing lies but what was
   * put there to be a part of the model.
   */
  readonly ignoreGitPaths?: boolean;
  /** Everything that the rules leave in, and what they leave out as `ignored`. */
  entries(rules: EnumerationRules, options: RunOptions): AsyncIterable<Entry>;
}
