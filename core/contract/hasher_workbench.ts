/** What the hasher's contract suite works with: files, entries, and digests that the hasher did not make. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { lstatSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IssueCode } from "../errors.ts";
import type { Hashed, HasherFactory, HashSettings, HashType } from "../hasher.ts";
import type { RunOptions } from "../options.ts";
import type { ByteRange, Entry } from "../source.ts";

/** A file as a source lists it. */
export type File = Extract<Entry, { kind: "file" }>;

/**
 * BLAKE3 of the bytes 0, 1, …, 250, 0, 1, … by length. Up to 1025 these are the official test vectors; the
 * others were made by b3sum 1.2.0 from the same input.
 */
export const BLAKE3: ReadonlyMap<number, string> = new Map([
  [0, "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"],
  [1, "2d3adedff11b61f14c886e35afa036736dcd87a74d27b5c1510225d0f592e213"],
  [1023, "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11"],
  [1024, "42214739f095a406f3fc83deb889744ac00df831c10daa55189b5d121c855af7"],
  [1025, "d00278ae47eb27b34faecf67b4fe263f82d5412916c1ffd97c8cb7fb814b8444"],
  [257_023, "ab39c9ce1681e4269bced3f52a2d2845da2cccb7bee8a356bce6dc54925bda3b"],
  [257_024, "77be43d1cffdaac9e498d463af4b802787dd37e0e2769c5757e8188721f70834"],
  [257_025, "c13631e9cb67049dfeb2ee53dea3a6ba0da4e45baa7502559cecb551fd8d9ab5"],
  [1_048_575, "f32b849d19684c18c138cf13e29dbadc776f4bc2a56b477680ef546b39ac3f71"],
  [1_048_576, "74cb441fd087764ca9c3694da742ebe30cbeb3060a17009ca81825c7a8d10343"],
  [1_048_577, "2f053cd7472cf0cd2f9adaf45c1180255b91b9a865404a63671a0ee5f792ed33"],
  [3_145_733, "a7bb55bed0c04f58879d1fc1cafb27e14e931f4411fe63baf5b2d5a60357bffb"],
]);

/** Around nothing, BLAKE3's chunk (1 KiB), the usual read buffer (1 MiB), and more than two of those. */
export const SIZES: readonly number[] = [...BLAKE3.keys()];

/** A multiple of the pattern's 251 bytes, so that each shard's content is the pattern again. */
export const SHARD_SIZE = 257_024;

/** Far more than is hashed before an abort arrives. */
export const HUGE_BYTES: number = 16 * 1024 ** 3;

/** A directory of files, and the hashers to try on them. */
export class Workbench {
  readonly #make: HasherFactory;
  readonly #directory = mkdtempSync(join(tmpdir(), "hasher-contract-"));

  constructor(make: HasherFactory) {
    this.#make = make;
  }

  /** A hasher; by default of whole files, with SHA-256. */
  make(settings: Partial<HashSettings>): ReturnType<HasherFactory> {
    return this.#make({ algorithm: "sha256", allowSymlinks: false, ...settings });
  }

  /** Where a file of this name lies. */
  path(name: string): string {
    // Windows has no colons in file names.
    return join(this.#directory, name.replaceAll(":", "_"));
  }

  /** Writes a file and lists it. */
  file(name: string, content: Uint8Array): File {
    writeFileSync(this.path(name), content);
    return this.#entry(name);
  }

  /** A file of zeros that takes no space. */
  sparse(name: string, size: number): File {
    writeFileSync(this.path(name), "");
    truncateSync(this.path(name), size);
    return this.#entry(name);
  }

  /** Everything that a hasher gives for entries. */
  async hash(
    entries: Iterable<Entry> | AsyncIterable<Entry>,
    settings: Partial<HashSettings>,
    options: RunOptions = {},
  ): Promise<Hashed[]> {
    await using hasher = this.make(settings);
    const results: Hashed[] = [];
    for await (const hashed of hasher.hash(from(entries), options)) results.push(hashed);
    return results;
  }

  /** Removes all files. */
  remove(): void {
    rmSync(this.#directory, { recursive: true });
  }

  #entry(name: string): File {
    const path = this.path(name);
    const { dev, ino, size, mtimeMs } = lstatSync(path);
    return {
      kind: "file",
      path: name,
      size,
      location: { path, device: dev, inode: ino, modified: mtimeMs },
      open() {
        throw new Error("a file with a location is opened by that");
      },
    };
  }
}

/** A file that has no location. `size` is what it claims. */
export function streamed(path: string, size: number, content: Uint8Array): File {
  return {
    kind: "file",
    path,
    size,
    open({ start, end }: ByteRange = { start: 0, end: content.length }) {
      return new ReadableStream({
        start(controller) {
          const chunk = 100_000;
          for (let at = start; at < end; at += chunk) {
            controller.enqueue(content.subarray(at, Math.min(at + chunk, end)));
          }
          controller.close();
        },
      });
    },
  };
}

/** Items as the hasher takes them. */
export async function* from<T>(items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T> {
  yield* items;
}

/** Digests by name, in the order of the names. A name that comes twice fails. */
export function digests(results: readonly Hashed[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const result of results) {
    if (result.kind !== "resource") continue;
    assert.ok(!found.has(result.resource.name), `${result.resource.name} came twice`);
    found.set(result.resource.name, result.resource.digest);
  }
  return new Map([...found].toSorted(([a], [b]) => a < b ? -1 : 1));
}

/** Codes of the issues, by path. */
export function issues(results: readonly Hashed[]): Map<string, IssueCode> {
  return new Map(
    results.flatMap((result) =>
      result.kind === "issue" ? [[result.issue.path ?? "", result.issue.code]] : []
    ),
  );
}

/** The bytes 0, 1, …, 250, 0, 1, …, which BLAKE3's test vectors are made of. */
export function pattern(size: number): Buffer {
  return Buffer.alloc(size, Buffer.from(Array.from({ length: 251 }, (_, index) => index)));
}

/** The digest of a {@link pattern}, not made by the hasher under test. */
export function oracle(algorithm: HashType, size: number): string {
  if (algorithm === "blake3") return BLAKE3.get(size) ?? assert.fail(`no vector for ${size}`);
  const name = algorithm === "blake2b" ? "blake2b512" : algorithm;
  return createHash(name).update(pattern(size)).digest("hex");
}

/** SHA-256 of a text, lowercase hex. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
