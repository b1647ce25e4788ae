/** Choosing what is trusted, without any network. */

import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { userFolders } from "../../../core/user_folders.ts";
import { trustBuiltIn } from "./built_in.ts";
import { cachePath } from "./cache.ts";
import { claimsToBeNewer, isNewer, trustCached, verifiedCache } from "./cached.ts";
import { describeTrust } from "./describe.ts";
import { trustConfigFile, trustRootFile } from "./files.ts";
import { type BuiltInRepository, instanceRepository, repositoryOf } from "./repository.ts";
import type { SelectedTrust } from "./trust.ts";

/** What is to be trusted: Sigstore's production instance, or one other thing. */
export type TrustChoice = {
  /** Sigstore's staging instance. */
  readonly useStaging?: boolean;
  /** A file with a TrustedRoot message. */
  readonly trustRoot?: string;
  /** A file with a ClientTrustConfig message. */
  readonly trustConfig?: string;
  /** A TUF repository, by a file with its root metadata. `trust update` must have fetched it. */
  readonly tufRoot?: string;
  /** Where `trust update` keeps what it fetched. Default: the user's cache folder. */
  readonly cacheFolder?: string;
  /** Default: the machine's clock. */
  readonly now?: Date;
};

/** What is wrong with a cache. Whoever can write there must not be able to keep a signature from being verified. */
const UNUSABLE: readonly ErrorCode[] = ["FILE_UNREADABLE", "TRUST_MALFORMED", "TRUST_REFUSED"];

/**
 * Finds the trust that was chosen. Of the production and the staging instance, that is what `trust update` fetched
 * when it verifies from the built-in root and is newer than what is built in, else the latter.
 *
 * @throws {ModelSigningError} `USAGE`; `FILE_UNREADABLE`, `TRUST_MALFORMED` for files that were named;
 * `TRUST_UNAVAILABLE`, `TRUST_REFUSED` for a TUF repository that was named
 */
export async function selectTrust(
  choice: TrustChoice = {},
  options: RunOptions = {},
): Promise<SelectedTrust> {
  const { now = new Date() } = choice;
  const trust = await chosenTrust(choice, now, options);
  options.logger?.log("debug", "trusting", { trust: describeTrust(trust.origin, now) });
  return trust;
}

async function chosenTrust(
  choice: TrustChoice,
  now: Date,
  options: RunOptions,
): Promise<SelectedTrust> {
  const { trustRoot, trustConfig, tufRoot, cacheFolder = userFolders().cache } = choice;
  requireOne(choice);
  if (trustRoot !== undefined) return await trustRootFile(trustRoot, options);
  if (trustConfig !== undefined) return await trustConfigFile(trustConfig, options);
  if (tufRoot !== undefined) return await ownRepository(tufRoot, cacheFolder, now, options);
  const repository = instanceRepository(choice.useStaging ? "staging" : "production");
  return await newestOf(repository, cacheFolder, now, options);
}

/** The newest trust in a repository that has some built in: fetched, or that. */
export async function newestOf(
  repository: BuiltInRepository,
  cacheFolder: string | undefined,
  now: Date,
  options: RunOptions,
): Promise<SelectedTrust> {
  if (cacheFolder === undefined) return trustBuiltIn(repository, []);
  try {
    const found = await verifiedCache(
      repository,
      cacheFolder,
      now,
      (cached) => claimsToBeNewer(cached, repository),
    );
    if (found && isNewer(found.state, repository)) return trustCached(repository, found);
  } catch (error) {
    if (!(error instanceof ModelSigningError) || !UNUSABLE.includes(error.code)) throw error;
    const path = cachePath(cacheFolder, repository.id);
    options.logger?.log("warn", "the TUF cache is not used", { path, reason: error.message });
    return trustBuiltIn(repository, [`the TUF cache ${path} is not used: ${error.message}`]);
  }
  return trustBuiltIn(repository, []);
}

async function ownRepository(
  rootFile: string,
  cacheFolder: string | undefined,
  now: Date,
  options: RunOptions,
): Promise<SelectedTrust> {
  const repository = await repositoryOf(rootFile, options);
  const found = cacheFolder === undefined
    ? undefined
    : await verifiedCache(repository, cacheFolder, now);
  if (found) return trustCached(repository, found);
  throw new ModelSigningError(
    "TRUST_UNAVAILABLE",
    `${repository.name} has not been fetched yet`,
  );
}

function requireOne({ useStaging, trustRoot, trustConfig, tufRoot }: TrustChoice): void {
  const given = [
    ...(useStaging ? ["the staging instance"] : []),
    ...(trustRoot === undefined ? [] : ["a trust root"]),
    ...(trustConfig === undefined ? [] : ["a trust config"]),
    ...(tufRoot === undefined ? [] : ["a TUF root"]),
  ];
  if (given.length < 2) return;
  throw new ModelSigningError(
    "USAGE",
    `${given.join(" and ")} are given to trust, expected one of them`,
  );
}
