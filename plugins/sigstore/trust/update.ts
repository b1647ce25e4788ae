/** Fetching a TUF repository into the cache. */

import { ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { cachePath, writeCache } from "./cache.ts";
import { trustCached, verifiedCache, WANTED } from "./cached.ts";
import type { Repository } from "./repository.ts";
import { type TufLoad, tufRefresh, type TufState } from "./tuf.ts";
import { tufFetch } from "./tuf_fetch.ts";

/** How a repository is fetched. */
export type UpdateOptions = RunOptions & {
  /** Where the repository is, or a mirror of it. */
  readonly url: string;
  readonly cacheFolder: string;
  readonly now: Date;
};

/** What was cached before, and what is now. */
export type Update = {
  readonly before?: TufState;
  readonly after: TufState;
  /** The cache's file. */
  readonly path: string;
};

/**
 * Fetches a repository, verifies it, and replaces the cache by it. When anything is wrong the cache stays as it was.
 *
 * @throws {ModelSigningError} `NETWORK_…`, `TRUST_REFUSED`, `TRUST_MALFORMED`, `FILE_UNWRITABLE`, `USAGE`, `ABORTED`
 */
export async function updateCache(
  repository: Repository,
  { url, cacheFolder, now, ...options }: UpdateOptions,
): Promise<Update> {
  const path = cachePath(cacheFolder, repository.id);
  const before = await usableCache(repository, cacheFolder, now, options);
  const after = await tufRefresh(repository.root, rootsFirst(before, tufFetch(url, options)), {
    now,
    enforceExpiry: true,
    wanted: WANTED,
    ...(before ? { previous: before } : {}),
  });
  requireNotOlderThanBuiltIn(repository, after);
  const cached = { url, fetched: now, version: after.targets.version, files: after.files };
  // What nobody could use must not take the place of what is there.
  trustCached(repository, { cached, state: after });
  const done = { ...(before ? { before } : {}), path };
  const beside = await usableCache(repository, cacheFolder, now, options);
  if (beside && isLater(beside, after)) return { ...done, after: beside };
  await writeCache(path, cached);
  return { ...done, after };
}

/**
 * Whether another update, which ran at the same time, has seen a later state. A timestamp's version counts only
 * below the same root: with a new root the old keys may have been given up, and their versions with them.
 */
function isLater(beside: TufState, after: TufState): boolean {
  return beside.root.version === after.root.version
    ? beside.timestamp.version > after.timestamp.version
    : beside.root.version > after.root.version;
}

/** What is cached, when it can be used; a broken cache is no reason not to fetch a better one. */
async function usableCache(
  repository: Repository,
  cacheFolder: string,
  now: Date,
  options: RunOptions,
): Promise<TufState | undefined> {
  try {
    return (await verifiedCache(repository, cacheFolder, now))?.state;
  } catch (error) {
    if (!(error instanceof ModelSigningError)) throw error;
    options.logger?.log("warn", "the TUF cache is replaced, because it cannot be used", {
      reason: error.message,
    });
    return undefined;
  }
}

/** Takes up the chain of roots where the cache has it, so that no repository can hand out an older one. */
function rootsFirst(before: TufState | undefined, fetch: TufLoad): TufLoad {
  return async (file, maxBytes) => {
    const known = file.endsWith(".root.json") ? before?.files.get(file) : undefined;
    return known ?? await fetch(file, maxBytes);
  };
}

function requireNotOlderThanBuiltIn({ builtIn }: Repository, { targets }: TufState): void {
  if (builtIn?.version === undefined || targets.version >= builtIn.version) return;
  throw new ModelSigningError(
    "TRUST_REFUSED",
    `the repository has version ${targets.version} of the TUF targets, and version ` +
      `${builtIn.version} is built in`,
    { hint: "a mirror may be out of date, or somebody may be serving an old state" },
  );
}
