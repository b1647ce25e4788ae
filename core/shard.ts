/** Shards: consecutive ranges of a file, each with a digest of its own (OMS 2). */

import type { ByteRange } from "./source.ts";

/** Bytes per shard where a user leaves the choice to the format (OMS 2). */
export const DEFAULT_SHARD_SIZE = 1_000_000_000;

/** A shard's name, taken apart. */
export type ShardName = ByteRange & { readonly path: string };

/** Decimal without sign, leading zeros or separators; at most as many digits as a safe integer has. */
const DECIMAL = /^(?:0|[1-9][0-9]{0,15})$/;

/**
 * The ranges of a file, in order: all of `shardSize` bytes but the last, which may be shorter. None for an
 * empty file. Lazy, so a huge file with small shards takes no memory.
 */
export function* shardRanges(size: number, shardSize: number): Generator<ByteRange, void, void> {
  for (let start = 0; start < size; start += shardSize) {
    yield { start, end: Math.min(start + shardSize, size) };
  }
}

/** `path:start:end`, end exclusive. */
export function shardName(path: string, range: ByteRange): string {
  return `${path}:${range.start}:${range.end}`;
}

/**
 * Takes `path:start:end` apart from the right, since a path may hold colons itself. Undefined when the
 * numbers are not plain decimals and safe integers with `start < end`, or when no path is left.
 */
export function parseShardName(name: string): ShardName | undefined {
  const beforeEnd = name.lastIndexOf(":");
  const beforeStart = name.lastIndexOf(":", beforeEnd - 1);
  if (beforeStart < 1 || beforeStart === beforeEnd) return undefined;
  const start = offset(name.slice(beforeStart + 1, beforeEnd));
  const end = offset(name.slice(beforeEnd + 1));
  if (start === undefined || end === undefined || start >= end) return undefined;
  return { path: name.slice(0, beforeStart), start, end };
}

/**
 * What keeps ranges from being the shards of one file, as the end of a sentence ("have a gap at byte 12");
 * undefined when they cover it from its first byte without gap or overlap, all of `shardSize` bytes but the
 * last, which may be shorter.
 *
 * @param ranges sorted by start
 */
export function tilingProblem(
  ranges: Iterable<ByteRange>,
  shardSize: number,
): string | undefined {
  let covered = 0;
  for (const { start, end } of ranges) {
    if (start > covered) return `have a gap at byte ${covered}`;
    if (start < covered) return `overlap at byte ${start}`;
    if (covered % shardSize !== 0) return `go on after a short shard at byte ${covered}`;
    if (end <= start) return `have an empty shard at byte ${start}`;
    if (end - start > shardSize) {
      return `have one of ${
        end - start
      } bytes at byte ${start}, more than the shard size ${shardSize}`;
    }
    covered = end;
  }
  return undefined;
}

function offset(digits: string): number | undefined {
  if (!DECIMAL.test(digits)) return undefined;
  const value = Number(digits);
  return Number.isSafeInteger(value) ? value : undefined;
}
