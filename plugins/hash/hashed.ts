/** What becomes of an entry, in the words of the contract. */

import type { Hashed, HashSettings } from "../../core/hasher.ts";
import { shardName } from "../../core/shard.ts";
import type { ByteRange, Entry } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import type { Outcome } from "./unit.ts";

/** A file as a source lists it. */
export type FileEntry = Extract<Entry, { kind: "file" }>;

/** Whether digests of these settings can be compared with the one that the model states. */
export function compares({ expected }: FileEntry, settings: HashSettings): boolean {
  return expected?.algorithm === settings.algorithm && settings.shardSize === undefined;
}

/**
 * Whether a file is to be read from one stream: to be written while it is read; or because its source, and nobody
 * else, can tell at the end of the whole whether it was the content that the model states.
 */
export function isOneStream(entry: FileEntry, settings: HashSettings): boolean {
  const { expected, copyTo } = entry;
  return copyTo !== undefined || (expected !== undefined && !compares(entry, settings));
}

/** Of a file, or of a range of it, that was hashed. */
export function hashedOf(
  entry: FileEntry,
  range: ByteRange,
  outcome: Outcome,
  settings: HashSettings,
): Exclude<Hashed, { kind: "uncovered" | "ignored" }> {
  const { path, expected, extra } = entry;
  const { algorithm, shardSize } = settings;
  if (typeof outcome !== "string") {
    const { code, problem } = outcome;
    return { kind: "issue", issue: { code, message: `${quote(path)} ${problem}`, path } };
  }
  if (compares(entry, settings) && expected?.digest !== outcome) {
    const found = `has the ${algorithm} digest ${outcome}, its model states ${expected?.digest}`;
    return {
      kind: "issue",
      issue: { code: "ENTRY_DIGEST", message: `${quote(path)} ${found}`, path },
    };
  }
  const name = shardSize === undefined ? path : shardName(path, range);
  const resource = { name, digest: outcome, algorithm, ...(extra === undefined ? {} : { extra }) };
  return { kind: "resource", resource, size: range.end - range.start };
}

/** Of content whose digest the model states: passed on if it is the one that is wanted. */
export function statedOf(
  entry: Extract<Entry, { kind: "digest" }>,
  { algorithm, shardSize }: HashSettings,
): Hashed {
  const { path, size, digest, extra, hint } = entry;
  if (entry.algorithm === algorithm && shardSize === undefined) {
    const resource = { name: path, digest, algorithm, ...(extra === undefined ? {} : { extra }) };
    return { kind: "resource", resource, size, stated: true };
  }
  const wanted = shardSize === undefined ? algorithm : `${algorithm} in shards`;
  const message = `cannot hash ${
    quote(path)
  } with ${wanted}: only its ${entry.algorithm} digest is known`;
  const issue = { code: "ENTRY_UNREADABLE" as const, message, path };
  return { kind: "issue", issue: hint === undefined ? issue : { ...issue, hint } };
}
