/** What a manifest's list of names must fulfil, read or written (OMS 2 and 4). */

import { type Issue, parsed, Refusal } from "./errors.ts";
import { DIGEST_LENGTH, type Resource } from "./hasher.ts";
import { MAX_RESOURCES } from "./limits.ts";
import type { Manifest, Serialization } from "./manifest.ts";
import { orderProblem } from "./order.ts";
import { pathProblem } from "./path.ts";
import { parseShardName, tilingProblem } from "./shard.ts";
import type { ByteRange } from "./source.ts";
import { excerpt } from "./text.ts";

/** How names are judged. */
export type NameRules = {
  /** Also refuse names that Windows would read as other files. Set when verifying on Windows. */
  readonly windowsNames?: boolean;
};

/** Why a verifier would refuse this manifest, or undefined. For manifests that came from plugins. */
export function manifestProblem(manifest: Manifest): Issue | undefined {
  const { name, resources, serialization } = manifest;
  const result = parsed(() => {
    if (name === "") throw new Refusal("STATEMENT_MALFORMED", "the model has no name");
    if (serialization.ignorePaths.includes("")) {
      throw new Refusal("STATEMENT_MALFORMED", "an ignored path is empty");
    }
    if (serialization.method === "shards" && !isShardSize(serialization.shardSize)) {
      const message = `the shard size is ${serialization.shardSize}, expected a positive integer`;
      throw new Refusal("STATEMENT_MALFORMED", message);
    }
    for (const { name, digest, algorithm } of resources) {
      const length = 2 * DIGEST_LENGTH[serialization.hashType];
      if (
        algorithm !== serialization.hashType || digest.length !== length ||
        !/^[0-9a-f]+$/.test(digest)
      ) {
        const message = `${excerpt(name)} has no ${serialization.hashType} digest`;
        throw new Refusal("STATEMENT_MALFORMED", message);
      }
    }
    checkNames(resources, serialization, {});
    checkOrder(resources, serialization);
  });
  return result.ok ? undefined : result.issue;
}

/** Whether a number can be the size of a shard, in bytes. */
export function isShardSize(size: number): boolean {
  return Number.isSafeInteger(size) && size > 0;
}

/** Refuses an empty list, unsafe names, and shards that do not cover their files exactly; not the order. */
export function checkNames(
  resources: readonly Resource[],
  serialization: Serialization,
  rules: NameRules,
): void {
  if (resources.length === 0) throw new Refusal("RESOURCE_NONE", "the statement lists no files");
  if (resources.length > MAX_RESOURCES) {
    throw new Refusal(
      "STATEMENT_MALFORMED",
      `the statement lists ${resources.length} files, more than ${MAX_RESOURCES}`,
    );
  }
  if (serialization.method === "shards") {
    const paths = checkShards(resources, serialization.shardSize);
    for (const path of paths) checkName(path, paths.size === 1, rules);
  } else {
    for (const { name } of resources) checkName(name, resources.length === 1, rules);
  }
}

/** Refuses names that are not sorted or come twice. */
export function checkOrder(resources: readonly Resource[], serialization: Serialization): void {
  const problem = orderProblem(resources.map(({ name }) => name), serialization.method);
  if (problem !== undefined) throw new Refusal(problem.code, problem.message);
}

function checkName(path: string, only: boolean, rules: NameRules): void {
  // Before 1.1 a model of one file was listed as "." (OMS 4).
  if (path === "." && only) return;
  const problem = pathProblem(path, rules.windowsNames);
  if (problem !== undefined) {
    throw new Refusal("RESOURCE_NAME", `the signed name ${excerpt(path)} ${problem}`);
  }
}

/** Gives the files' paths. */
function checkShards(resources: readonly Resource[], shardSize: number): ReadonlySet<string> {
  const files = new Map<string, ByteRange[]>();
  for (const { name } of resources) {
    const shard = parseShardName(name);
    if (shard === undefined) {
      throw new Refusal(
        "SHARD_RANGE",
        `the signed name ${excerpt(name)} does not end in a byte range`,
      );
    }
    const ranges = files.get(shard.path);
    if (ranges) ranges.push(shard);
    else files.set(shard.path, [shard]);
  }
  for (const [path, ranges] of files) {
    const problem = tilingProblem(ranges.sort((a, b) => a.start - b.start), shardSize);
    if (problem !== undefined) {
      throw new Refusal("SHARD_RANGE", `the shards of ${excerpt(path)} ${problem}`);
    }
  }
  return new Set(files.keys());
}
