/** Whether a folder is already what would be pulled to it. */

import { lstat, opendir } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../../core/errors.ts";
import type { HasherFactory } from "../../core/hasher.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Entry } from "../../core/source.ts";
import { FileEntry, locationOf } from "../_file/mod.ts";
import type { NamedBlob } from "./naming.ts";

/** The end of a sentence that begins with the folder. */
const ANOTHER = "is not this model";

/**
 * What tells a folder from one that has every layer as a file, byte for byte, and no other file, in words; undefined
 * when nothing does.
 *
 * A container that is started again finds what it pulled before, and is to go on with it.
 */
export async function differenceOf(
  folder: string,
  layers: readonly NamedBlob[],
  hasher: HasherFactory,
  options: RunOptions,
): Promise<string | undefined> {
  if (!(await lstat(folder)).isDirectory()) return ANOTHER;
  const missing = new Map(layers.map((layer) => [layer.name, layer]));
  for await (const name of filesIn(folder, "")) {
    throwIfAborted(options.signal);
    if (name === undefined || !missing.delete(name)) return ANOTHER;
  }
  if (missing.size > 0) return ANOTHER;
  const entries: Entry[] = [];
  for (const { name, descriptor, digest } of layers) {
    const path = join(folder, ...name.split("/"));
    const stats = await lstat(path);
    if (stats.size !== descriptor.size) return ANOTHER;
    entries.push(
      new FileEntry(name, stats.size, locationOf(path, stats), { expected: digest }),
    );
  }
  await using hashing = hasher({ algorithm: "sha256", allowSymlinks: false });
  for await (const hashed of hashing.hash(each(entries), options)) {
    if (hashed.kind !== "issue") continue;
    const { code, message } = hashed.issue;
    return code === "ENTRY_UNREADABLE" ? message : ANOTHER;
  }
  return undefined;
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
