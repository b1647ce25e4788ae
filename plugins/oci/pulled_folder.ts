/** Whether a folder is already what would be pulled to it. */

import { createHash } from "node:crypto";
import { lstat, open, opendir } from "node:fs/promises";
import { join } from "node:path";
import { throwIfAborted } from "../../core/errors.ts";
import { READ_ONLY_NO_FOLLOW } from "../../core/open_file.ts";
import type { NamedBlob } from "./naming.ts";

/** 1 MiB: larger reads hash no faster. */
const CHUNK_BYTES = 1_048_576;

/**
 * Whether a folder has every layer as a file, byte for byte, and no other file.
 *
 * A container that is started again finds what it pulled before, and is to go on with it.
 */
export async function holdsLayers(
  folder: string,
  layers: readonly NamedBlob[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (!(await lstat(folder)).isDirectory()) return false;
  const missing = new Map(layers.map((layer) => [layer.name, layer]));
  for await (const name of filesIn(folder, "")) {
    throwIfAborted(signal);
    if (name === undefined || !missing.delete(name)) return false;
  }
  if (missing.size > 0) return false;
  for (const layer of layers) {
    if (!await isLayer(join(folder, ...layer.name.split("/")), layer, signal)) return false;
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

async function isLayer(
  path: string,
  { descriptor, digest }: NamedBlob,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  // Whatever was put there since it was listed.
  await using file = await open(path, READ_ONLY_NO_FOLLOW);
  const facts = await file.stat();
  if (!facts.isFile() || facts.size !== descriptor.size) return false;
  const hash = createHash("sha256");
  const chunk = new Uint8Array(CHUNK_BYTES);
  // One that grows is not read for longer.
  for (let length = 0; length <= descriptor.size;) {
    throwIfAborted(signal);
    const { bytesRead } = await file.read(chunk, 0, chunk.length, null);
    if (bytesRead === 0) return hash.digest("hex") === digest.digest;
    hash.update(chunk.subarray(0, bytesRead));
    length += bytesRead;
  }
  return false;
}
