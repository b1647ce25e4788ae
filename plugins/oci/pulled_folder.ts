/** Whether a folder is already what would be pulled to it. */

import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../../core/errors.ts";
import type { HasherFactory } from "../../core/hasher.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Entry } from "../../core/source.ts";
import { FileEntry, locationOf } from "../_file/mod.ts";
import type { NamedBlob } from "./naming.ts";

/**
 * Whether a folder has every layer as a file, byte for byte, and no other file.
 *
 * A container that is started again finds what it pulled before, and is to go on with it.
 */
export async function holdsLayers(
  folder: string,
  layers: readonly NamedBlob[],
  hasher: HasherFactory,
  options: RunOptions,
): Promise<boolean> {
  if (!(await lstat(folder)).isDirectory()) return false;
  const missing = new Map(layers.map((layer) => [layer.name, layer]));
  for await (const name of filesIn(folder, "")) {
    throwIfAborted(options.signal);
    if (name === undefined || !missing.delete(name)) return false;
  }
  if (missing.size > 0) return false;
  const entries: Entry[] = [];
  for (const { name, descriptor, digest } of layers) {
    const path = join(folder, ...name.split("/"));
    const stats = await lstat(path);
    if (stats.size !== descriptor.size) return false;
    entries.push(
      new FileEntry(name, stats.size, locationOf(path, stats), { expected: digest }),
    );
  }
  await using hashing = hasher({ algorithm: "sha256", allowSymlinks: false });
  for await (const { kind } of hashing.hash(each(entries), options)) {
    if (kind === "issue") return false;
  }
  return true;
}

/** Names of files, with `/`; undefined for what is neither file nor folder. */
async function* filesIn(folder: string, prefix: string): AsyncIterable<string | undefined> {
  for await (const entry of await opendir(folder)) {
    const name = prefix + entry.name;
    if (entry.isDirectory()) yield* filesIn(join(folder, entry.name), `${name}/`);
    else yield entry.isFile() ? name : undefined;
  }
}

async function* each<T>(items: readonly T[]): AsyncGenerator<T> {
  yield* items;
}
