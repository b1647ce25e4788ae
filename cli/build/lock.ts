/** What `deno.lock` says about npm packages. */

import { Buffer } from "node:buffer";

/** A package at the version, and with the content, that was locked. */
export type LockedPackage = {
  readonly name: string;
  readonly version: string;
  /** Of the tarball: `sha512-` and base64 (Subresource Integrity 3.1). */
  readonly integrity: string;
  /** Keys of the packages that it imports. */
  readonly dependencies: readonly string[];
};

/** By `name@version`. */
export type Lock = ReadonlyMap<string, LockedPackage>;

/** The version of the lock file's format that is understood. */
const FORMAT = "5";

/**
 * Reads a lock file.
 *
 * @throws {Error} when it has another format, or a package without a SHA-512 integrity
 */
export function readLock(text: string): Lock {
  const lock = JSON.parse(text) as {
    readonly version?: string;
    readonly npm?: Readonly<
      Record<string, { readonly integrity?: string; readonly dependencies?: readonly string[] }>
    >;
  };
  if (lock.version !== FORMAT) {
    throw new Error(`cannot read the lock file: its format is "${lock.version}", not "${FORMAT}"`);
  }
  const entries = Object.entries(lock.npm ?? {});
  const keys = [...new Set(entries.map(([key]) => withoutPeers(key)))];
  return new Map(entries.map(([key, { integrity, dependencies = [] }]) => {
    if (!integrity || !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) {
      throw new Error(`cannot read the lock file: "${key}" has no SHA-512 integrity`);
    }
    const identity = withoutPeers(key);
    const at = identity.lastIndexOf("@");
    return [identity, {
      name: identity.slice(0, at),
      version: identity.slice(at + 1),
      integrity,
      dependencies: dependencies.map((dependency) => dependencyKey(dependency, keys)),
    }];
  }));
}

/**
 * A package by its key.
 *
 * @throws {Error} when it is not locked
 */
export function lockedPackage(lock: Lock, key: string): LockedPackage {
  const locked = lock.get(key);
  if (!locked) throw new Error(`"${key}" is not in the lock file: run "deno install"`);
  return locked;
}

/** The digest in a package's integrity, as lowercase hex. */
export function sha512Of({ integrity }: LockedPackage): string {
  return Buffer.from(integrity.slice("sha512-".length), "base64").toString("hex");
}

/**
 * `name@version`. A package that is there with several sets of peers has the same content each time; the peers follow
 * its version after underscores.
 */
function withoutPeers(key: string): string {
  const identity = /^@?[^@]+@[^_]+/.exec(key)?.[0];
  if (identity === undefined) throw new Error(`cannot read the lock file: "${key}" has no version`);
  return identity;
}

/** The lock file leaves the version out where there is only one. */
function dependencyKey(dependency: string, keys: readonly string[]): string {
  if (dependency.includes("@", 1)) return withoutPeers(dependency);
  const candidates = keys.filter((key) => key.startsWith(`${dependency}@`));
  if (candidates.length === 1) return candidates[0]!;
  throw new Error(`cannot read the lock file: "${dependency}" is one of ${candidates.length}`);
}
