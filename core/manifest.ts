/** The list of what was hashed, and how two of them differ. */

import { createHash } from "node:crypto";
import type { HashType, Resource } from "./hasher.ts";
import { compareCodePoints } from "./path.ts";
import { parseShardName } from "./shard.ts";
import type { ResourceRole } from "./source.ts";

/** How a model was enumerated and hashed; signed along with the digests. */
export type Serialization =
  & {
    readonly hashType: HashType;
    readonly allowSymlinks: boolean;
    /** Excluded paths, relative to the root, in code point order. Empty when none was recorded. */
    readonly ignorePaths: readonly string[];
  }
  & (
    | { readonly method: "files" }
    | { readonly method: "shards"; /** Bytes. */ readonly shardSize: number }
  );

/** A model as digests. Resources are in code point order of their names, without duplicates. */
export type Manifest = {
  /** The model's name. */
  readonly name: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly resources: readonly Resource[];
  readonly serialization: Serialization;
};

/** One difference between what was signed and what is there. Digests are lowercase hex. */
export type FileDiff =
  | { readonly kind: "missing"; readonly name: string; readonly expected: string }
  | {
    readonly kind: "modified";
    readonly name: string;
    readonly expected: string;
    readonly actual: string;
  }
  | { readonly kind: "unsigned"; readonly name: string };

/** Sorts resources into the order of the format. Cheap when they come nearly sorted. */
export function sortResources(resources: Resource[]): Resource[] {
  // Without surrogates UTF-16 order is code point order, and `<` is several times faster.
  const plain = resources.every(({ name }) => !/[\ud800-\udfff]/.test(name));
  return resources.sort(
    plain
      ? (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
      : (a, b) => compareCodePoints(a.name, b.name),
  );
}

/** Paths of the files that a manifest is about: its resources' names, or those that its shards are of. */
export function signedPaths(
  { resources, serialization }: Pick<Manifest, "resources" | "serialization">,
): ReadonlySet<string> {
  return new Set(resources.map(({ name }) => resourcePath(name, serialization.method)));
}

/**
 * Of {@link signedPaths}, those that only describe the model.
 *
 * @param roles by the resources' names
 */
export function metadataPaths(
  { resources, serialization }: Pick<Manifest, "resources" | "serialization">,
  roles: ReadonlyMap<string, ResourceRole>,
): ReadonlySet<string> {
  const isMetadata = ({ name }: Resource) => roles.get(name) === "metadata";
  const path = ({ name }: Resource) => resourcePath(name, serialization.method);
  const files = new Set(resources.filter((resource) => !isMetadata(resource)).map(path));
  return new Set(resources.filter(isMetadata).map(path).filter((name) => !files.has(name)));
}

/** The path of the file that a resource is about. */
export function resourcePath(name: string, method: Serialization["method"]): string {
  return method === "files" ? name : parseShardName(name)?.path ?? name;
}

/** SHA-256 over the raw digests in their order, whatever algorithm made them (OMS 2); lowercase hex. */
export function rootDigest(resources: Iterable<Pick<Resource, "digest">>): string {
  const hash = createHash("sha256");
  let pending: string[] = [];
  for (const { digest } of resources) {
    // A call for each digest would cost more than the hashing.
    if (pending.push(digest) === 4096) {
      hash.update(pending.join(""), "hex");
      pending = [];
    }
  }
  return hash.update(pending.join(""), "hex").digest("hex");
}

/**
 * Compares what is found, resource by resource, with what was signed. Keeps only the differences, so that
 * memory does not grow with what is found.
 */
export class Comparison {
  readonly #signed: readonly Resource[];
  readonly #positions: ReadonlyMap<string, number>;
  readonly #seen: Uint8Array;
  readonly #diffs: FileDiff[] = [];

  /** Expects the resources of a statement, in their order. */
  constructor(signed: readonly Resource[]) {
    this.#signed = signed;
    this.#positions = new Map(signed.map(({ name }, position) => [name, position]));
    this.#seen = new Uint8Array(signed.length);
  }

  /** Takes one resource that was found. */
  add({ name, digest, algorithm }: Resource): void {
    const position = this.#positions.get(name);
    if (position === undefined) {
      this.#diffs.push({ kind: "unsigned", name });
      return;
    }
    this.#seen[position] = 1;
    const signed = this.#signed[position]!;
    if (signed.digest !== digest || signed.algorithm !== algorithm) {
      this.#diffs.push({ kind: "modified", name, expected: signed.digest, actual: digest });
    }
  }

  /**
   * The differences, in code point order.
   *
   * @param explained names that are known to be there though nothing was found of them, because they
   * could not be read or were refused: not missing
   */
  finish(explained: (name: string) => boolean = () => false): readonly FileDiff[] {
    this.#signed.forEach(({ name, digest }, position) => {
      if (!this.#seen[position] && !explained(name)) {
        this.#diffs.push({ kind: "missing", name, expected: digest });
      }
    });
    return this.#diffs.sort((a, b) => compareCodePoints(a.name, b.name));
  }
}
