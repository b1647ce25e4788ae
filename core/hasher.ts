/** From entries to digests. */

import type { Issue } from "./errors.ts";
import type { RunOptions } from "./options.ts";
import type { Entry } from "./source.ts";

/**
 * Hash algorithms of the format (OMS algorithm registry): SHA-256, BLAKE2b with 64 bytes of output,
 * BLAKE3 with 32.
 */
export type HashType = "sha256" | "blake2b" | "blake3";

/** Every {@link HashType}. */
export const HASH_TYPES: readonly HashType[] = ["sha256", "blake2b", "blake3"];

/** Bytes in a digest. */
export const DIGEST_LENGTH: Readonly<Record<HashType, number>> = {
  sha256: 32,
  blake2b: 64,
  blake3: 32,
};

/** One line of a manifest. */
export type Resource = {
  /** Path relative to the model's root, or `path:start:end` for a shard (bytes, end exclusive). */
  readonly name: string;
  /** Lowercase hex. */
  readonly digest: string;
  readonly algorithm: HashType;
  /** Further members of the in-toto resource descriptor, written as they stand. */
  readonly extra?: Readonly<Record<string, unknown>>;
};

/** What a hasher makes of entries. */
export type Hashed =
  | {
    readonly kind: "resource";
    readonly resource: Resource;
    readonly size: number;
    /** The source stated the digest; nothing was read. */
    readonly stated?: true;
  }
  /** A file that the serialization does not cover: an empty one, when hashing shards. */
  | { readonly kind: "uncovered"; readonly path: string }
  | { readonly kind: "ignored"; readonly path: string }
  | { readonly kind: "issue"; readonly issue: Issue };

/**
 * Hashes entries, each whole or in shards; which of the two, and with what algorithm, is settled when the
 * hasher is made.
 *
 * Results come in any order. Memory use does not depend on the number or size of the entries. A file that
 * cannot be read or that changes while it is read gives an issue, as does one whose whole content has another
 * digest than the entry expects of this algorithm. Entries that already carry a digest are passed on when their
 * algorithm is the hasher's own and the hasher makes whole-file digests; otherwise they give an issue. Files that
 * it writes are closed when the iterator ends, however it does.
 *
 * @throws {ModelSigningError} `ABORTED`, `HASH_UNAVAILABLE`, `HASH_WORKER_FAILED`, `FILE_UNWRITABLE` for a file that an
 * entry is to be copied to, or `USAGE` when that is to be done in shards, from the iterator
 */
export interface Hasher extends AsyncDisposable {
  /** One result for each entry that is a file or a digest, or for each of its shards. */
  hash(entries: AsyncIterable<Entry>, options: RunOptions): AsyncIterable<Hashed>;
}

/** What a hasher is asked to do. */
export type HashSettings = {
  readonly algorithm: HashType;
  /** Bytes per shard; without it files are hashed whole. */
  readonly shardSize?: number;
  /** Whether a file may be reached through symbolic links. */
  readonly allowSymlinks: boolean;
};

/** Makes a hasher for a run. When verifying, the settings come from the signed statement. */
export type HasherFactory = (settings: HashSettings) => Hasher;
