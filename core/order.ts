/** The order of a signed list of names. */

import type { IssueCode } from "./errors.ts";
import { compareCodePoints } from "./path.ts";
import { parseShardName } from "./shard.ts";
import { excerpt } from "./text.ts";

/**
 * What is wrong with the order of signed names. Accepted are strictly ascending code points, as the format
 * demands, and the order of the Python tool, which compares path parts and then, for shards, the start of
 * the range as a number (OMS 4). Both exclude duplicates.
 */
export function orderProblem(
  names: readonly string[],
  method: "files" | "shards",
): { readonly code: IssueCode; readonly message: string } | undefined {
  const unordered = firstDescent(names, compareCodePoints);
  if (unordered === undefined) return undefined;
  const byParts = method === "files" ? compareParts : compareShardParts;
  if (firstDescent(names, byParts) === undefined) return undefined;

  const duplicate = firstDuplicate(names);
  if (duplicate !== undefined) {
    return {
      code: "RESOURCE_DUPLICATE",
      message: `the signed name ${excerpt(duplicate)} is listed twice`,
    };
  }
  return {
    code: "RESOURCE_ORDER",
    message: `the signed names are not sorted: ${excerpt(names[unordered - 1]!)} stands before ` +
      excerpt(names[unordered]!),
  };
}

/** Index of the first name that is not greater than the one before. */
function firstDescent(
  names: readonly string[],
  compare: (a: string, b: string) => number,
): number | undefined {
  for (let index = 1; index < names.length; index++) {
    if (compare(names[index - 1]!, names[index]!) >= 0) return index;
  }
  return undefined;
}

function firstDuplicate(names: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return undefined;
}

/** As Python compares `PurePosixPath`s. */
function compareParts(a: string, b: string): number {
  const left = a.split("/");
  const right = b.split("/");
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const order = compareCodePoints(left[index]!, right[index]!);
    if (order !== 0) return order;
  }
  return left.length - right.length;
}

function compareShardParts(a: string, b: string): number {
  const left = parseShardName(a);
  const right = parseShardName(b);
  if (!left || !right) return compareCodePoints(a, b);
  return compareParts(left.path, right.path) || left.start - right.start || left.end - right.end;
}
