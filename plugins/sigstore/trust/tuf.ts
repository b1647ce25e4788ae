/** Bringing a TUF repository's files up to date (TUF specification 1.0.34, section 5), from wherever they come. */

import { Buffer } from "node:buffer";
import { Readable } from "node:stream";
import type { MetaFile, TargetFile } from "@tufjs/models";
import {
  isSigned,
  parseMetadata,
  reason,
  refused,
  requireSigned,
  type Role,
  type RoleMetadata,
} from "./tuf_metadata.ts";

/**
 * Gives a file of a repository by its name there (`17.root.json`, `targets/….trusted_root.json`), or undefined
 * when it does not exist.
 */
export type TufLoad = (file: string, maxBytes: number) => Promise<Uint8Array | undefined>;

/** How strict a refresh is. */
export type TufRules = {
  /** The time that counts for the whole refresh (5.1). */
  readonly now: Date;
  /** Whether expired metadata is refused. When it is read without a network it is only reported. */
  readonly enforceExpiry: boolean;
  /** What was trusted before: nothing may be older than it. */
  readonly previous?: TufState;
  /** The targets that are wanted; the first must exist. */
  readonly wanted: readonly [string, ...string[]];
};

/** A repository's files, each of them verified. */
export type TufState = {
  readonly root: RoleMetadata<"root">;
  readonly timestamp: RoleMetadata<"timestamp">;
  readonly snapshot: RoleMetadata<"snapshot">;
  readonly targets: RoleMetadata<"targets">;
  /** What has expired, when that is not enforced. */
  readonly expired: readonly RoleMetadata[];
  /** The wanted targets that exist, by name. */
  readonly wanted: ReadonlyMap<string, Uint8Array>;
  /** Everything that was loaded, by name in the repository: what it takes to do the same again. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};

/** Rotations of the root in one refresh (5.3.3). Sigstore had 16 in five years. */
const MAX_ROTATIONS = 256;

/**
 * Bytes of metadata by role, read before anything vouches for it. Sigstore's have 6, 1, 1 and 6 KB; the first two
 * limits are those of the Python TUF client, the others keep a cache file small.
 */
const MAX_BYTES: Readonly<Record<Role, number>> = {
  root: 512_000,
  timestamp: 16_384,
  snapshot: 512_000,
  targets: 512_000,
};

/** Bytes of a target. The production trusted root has 7 KB. */
const MAX_TARGET_BYTES: number = 4 * 1024 * 1024;

/**
 * Verifies a repository from a root that is trusted.
 *
 * @param trustedRoot root metadata, any version
 * @throws {ModelSigningError} `TRUST_REFUSED`, and what `load` throws
 */
export async function tufRefresh(
  trustedRoot: Uint8Array,
  load: TufLoad,
  rules: TufRules,
): Promise<TufState> {
  const refresh = new Refresh(load, rules);
  const root = await refresh.root(trustedRoot);
  const timestamp = await refresh.timestamp(root);
  const snapshot = await refresh.snapshot(root, timestamp);
  const targets = await refresh.targets(root, snapshot);
  const wanted = new Map<string, Uint8Array>();
  for (const [index, name] of rules.wanted.entries()) {
    const bytes = await refresh.target(root, targets, name);
    if (bytes) wanted.set(name, bytes);
    else if (index === 0) throw refused(targets.file, `it lists no target ${name}`);
  }
  const { expired, files } = refresh;
  return { root, timestamp, snapshot, targets, expired, wanted, files };
}

class Refresh {
  readonly expired: RoleMetadata[] = [];
  readonly files: Map<string, Uint8Array> = new Map();
  readonly #load: TufLoad;
  readonly #rules: TufRules;

  constructor(load: TufLoad, rules: TufRules) {
    this.#load = load;
    this.#rules = rules;
  }

  /** 5.3: each root is signed by the one before it and by itself. */
  async root(trusted: Uint8Array): Promise<RoleMetadata<"root">> {
    let root = await parseMetadata("root", trusted, "root.json");
    requireSigned(root, root);
    for (let rotation = 1;; rotation++) {
      const version = root.version + 1;
      const file = `${version}.root.json`;
      const bytes = await this.#read(file, MAX_BYTES.root);
      if (!bytes) break;
      if (rotation > MAX_ROTATIONS) {
        throw refused(file, `there are more than ${MAX_ROTATIONS} roots after the trusted one`);
      }
      const next = await parseMetadata("root", bytes, file);
      requireSigned(root, next);
      requireSigned(next, next);
      requireVersion(next, version);
      root = next;
    }
    // Of the roots on the way no expiry counts (5.3.10).
    this.#checkExpiry(root);
    return root;
  }

  /** 5.4 */
  async timestamp(root: RoleMetadata<"root">): Promise<RoleMetadata<"timestamp">> {
    const file = "timestamp.json";
    const bytes = await this.#need(file, MAX_BYTES.timestamp);
    let timestamp = await parseMetadata("timestamp", bytes, file);
    requireSigned(root, timestamp);
    // Keys that were replaced may have been stolen and have signed absurd versions (5.3.11).
    const previous = this.#rules.previous?.timestamp;
    if (previous && isSigned(root, previous)) {
      requireNotOlder(file, "its version", timestamp.version, previous.version);
      const [now, before] = [timestamp, previous].map(({ metadata }) =>
        metadata.signed.snapshotMeta.version
      );
      requireNotOlder(file, "the version of its snapshot", now!, before!);
      if (timestamp.version === previous.version) {
        // 5.4.3.1: the one that is trusted already stays.
        timestamp = previous;
        this.files.set(file, previous.bytes);
      }
    }
    this.#checkExpiry(timestamp);
    return timestamp;
  }

  /** 5.5 */
  async snapshot(
    root: RoleMetadata<"root">,
    timestamp: RoleMetadata<"timestamp">,
  ): Promise<RoleMetadata<"snapshot">> {
    const expected = timestamp.metadata.signed.snapshotMeta;
    const snapshot = await this.#listed(root, "snapshot", expected);
    const previous = this.#rules.previous?.snapshot;
    if (previous && isSigned(root, previous)) {
      const now = snapshot.metadata.signed.meta;
      for (const [name, before] of Object.entries(previous.metadata.signed.meta)) {
        const listed = Object.hasOwn(now, name) ? now[name] : undefined;
        if (!listed) throw refused(snapshot.file, `it no longer lists ${reason(name)}`);
        requireNotOlder(
          snapshot.file,
          `the version of ${reason(name)}`,
          listed.version,
          before.version,
        );
      }
    }
    this.#checkExpiry(snapshot);
    return snapshot;
  }

  /** 5.6, for the role at the top: nothing that is wanted here is delegated. */
  async targets(
    root: RoleMetadata<"root">,
    snapshot: RoleMetadata<"snapshot">,
  ): Promise<RoleMetadata<"targets">> {
    const expected = snapshot.metadata.signed.meta["targets.json"];
    if (!expected) throw refused(snapshot.file, "it does not list targets.json");
    const targets = await this.#listed(root, "targets", expected);
    this.#checkExpiry(targets);
    return targets;
  }

  /** 5.7: a target, or undefined when there is none of that name. */
  async target(
    root: RoleMetadata<"root">,
    targets: RoleMetadata<"targets">,
    name: string,
  ): Promise<Uint8Array | undefined> {
    const listed = targets.metadata.signed.targets;
    const expected = Object.hasOwn(listed, name) ? listed[name] : undefined;
    if (!expected) return undefined;
    if (expected.length > MAX_TARGET_BYTES) {
      throw refused(name, `it has more than ${MAX_TARGET_BYTES} bytes`);
    }
    const digest = strongDigest(expected, targets.file);
    const file = root.metadata.signed.consistentSnapshot
      ? `targets/${digest}.${name}`
      : `targets/${name}`;
    const bytes = await this.#need(file, expected.length);
    try {
      await expected.verify(Readable.from([Buffer.from(bytes)]));
    } catch (error) {
      throw refused(file, `it is not the one that was signed: ${reason(error)}`, error);
    }
    return bytes;
  }

  /** Metadata that other metadata lists with its version, and perhaps its length and digests. */
  async #listed<R extends "snapshot" | "targets">(
    root: RoleMetadata<"root">,
    role: R,
    expected: MetaFile,
  ): Promise<RoleMetadata<R>> {
    const file = root.metadata.signed.consistentSnapshot
      ? `${expected.version}.${role}.json`
      : `${role}.json`;
    const bytes = await this.#need(file, Math.min(expected.length ?? Infinity, MAX_BYTES[role]));
    try {
      expected.verify(Buffer.from(bytes));
    } catch (error) {
      throw refused(file, `it is not the one that was signed: ${reason(error)}`, error);
    }
    const metadata = await parseMetadata(role, bytes, file);
    requireSigned(root, metadata);
    requireVersion(metadata, expected.version);
    return metadata;
  }

  async #need(file: string, maxBytes: number): Promise<Uint8Array> {
    const bytes = await this.#read(file, maxBytes);
    if (!bytes) throw refused(file, "it is missing");
    return bytes;
  }

  async #read(file: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const bytes = await this.#load(file, maxBytes);
    if (!bytes) return undefined;
    if (bytes.length > maxBytes) throw refused(file, `it has more than ${maxBytes} bytes`);
    this.files.set(file, bytes);
    return bytes;
  }

  #checkExpiry(metadata: RoleMetadata): void {
    const { now, enforceExpiry } = this.#rules;
    if (now < metadata.expires) return;
    if (!enforceExpiry) {
      this.expired.push(metadata);
      return;
    }
    throw refused(
      metadata.file,
      `it expired at ${metadata.expires.toISOString()}`,
      undefined,
      `this machine's clock says ${now.toISOString()}; if that is right, the repository is out of date, ` +
        "or somebody holds back newer files",
    );
  }
}

/** Without a digest of this strength anybody could find another file: targets are not signed themselves. */
function strongDigest({ hashes, path }: TargetFile, file: string): string {
  for (const [algorithm, digits] of [["sha256", 64], ["sha512", 128]] as const) {
    const digest = Object.hasOwn(hashes, algorithm) ? hashes[algorithm] : undefined;
    // It becomes part of an address.
    if (digest?.length === digits && /^[0-9a-f]+$/.test(digest)) return digest;
  }
  throw refused(file, `it has neither SHA-256 nor SHA-512 of ${path}`);
}

function requireVersion({ file, version }: RoleMetadata, expected: number): void {
  if (version !== expected) {
    throw refused(file, `its version is ${version}, expected ${expected}`);
  }
}

function requireNotOlder(file: string, what: string, version: number, before: number): void {
  if (version >= before) return;
  throw refused(
    file,
    `${what} is ${version}, and ${before} was seen before`,
    undefined,
    "somebody may be serving an old state of the repository",
  );
}
