/** Files of certificates and revocation lists that a user named. */

import { readCapped } from "./read_capped.ts";
import type { InputOptions } from "./read_input.ts";

/** A file that was read. */
export type NamedBytes = {
  /** Names the file in messages: its path. */
  readonly name: string;
  readonly bytes: Uint8Array;
};

/** Content of a file, with its name for messages if it has one. */
export type FileContent = Uint8Array | NamedBytes;

/** Gives content a name, numbered from 1, unless it has one. */
export function named(content: FileContent, what: string, index: number): NamedBytes {
  return content instanceof Uint8Array ? { name: `${what} ${index + 1}`, bytes: content } : content;
}

/**
 * Reads files, one after the other.
 *
 * @param what names the files in messages: `certificate`
 * @param limit bytes, for each
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `ABORTED`
 */
export async function readFiles(
  paths: readonly string[],
  what: string,
  limit: number,
  options: InputOptions = {},
): Promise<readonly NamedBytes[]> {
  const files: NamedBytes[] = [];
  for (const path of paths) {
    files.push({ name: path, bytes: await readCapped(path, what, limit, options) });
  }
  return files;
}
