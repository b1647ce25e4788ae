/** Trust in what `trust update` fetched: verified again each time from the trusted root, without a network. */

import { fromTrustFile, parseTrustJson } from "../trusted_root.ts";
import { type CachedRepository, cachePath, readCache } from "./cache.ts";
import { day, DAY_MS } from "./describe.ts";
import type { Repository } from "./repository.ts";
import { readTrust, type SelectedTrust } from "./trust.ts";
import { tufRefresh, type TufState } from "./tuf.ts";

/** The names of the targets that hold an instance's trust, as Sigstore's repositories have them. */
const TRUSTED_ROOT = "trusted_root.json";
const SIGNING_CONFIG = "signing_config.v0.2.json";

/** What is wanted of a repository. */
export const WANTED: readonly [string, ...string[]] = [TRUSTED_ROOT, SIGNING_CONFIG];

/** Days in what tuf-on-ci, the tool behind Sigstore's repositories, writes. */
const EXPIRY_PERIOD = "x-tuf-on-ci-expiry-period";

/** A cached repository that was verified. */
export type VerifiedCache = { readonly cached: CachedRepository; readonly state: TufState };

/**
 * Reads and verifies a repository's cache, or gives undefined when there is none.
 *
 * @param worthwhile tells from what nobody has verified yet whether the trouble is worth it
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `TRUST_MALFORMED`, `TRUST_REFUSED`
 */
export async function verifiedCache(
  repository: Repository,
  folder: string,
  now: Date,
  worthwhile: (cached: CachedRepository) => boolean = () => true,
): Promise<VerifiedCache | undefined> {
  const cached = await readCache(cachePath(folder, repository.id));
  if (!cached || !worthwhile(cached)) return undefined;
  const load = (file: string) => Promise.resolve(cached.files.get(file));
  const rules = { now, enforceExpiry: false, wanted: WANTED };
  return { cached, state: await tufRefresh(repository.root, load, rules) };
}

/** Reads the trust in verified files. Throws `TRUST_MALFORMED`. */
export function trustCached(
  { name }: Repository,
  { cached, state }: VerifiedCache,
): SelectedTrust {
  const date = published(state);
  const origin = {
    kind: "cache" as const,
    name,
    ...(date === undefined ? {} : { date }),
    version: state.targets.version,
    fetched: cached.fetched,
    notes: expiryNotes(state),
  };
  const bytes = state.wanted.get(SIGNING_CONFIG);
  const signingConfig = bytes && fromTrustFile(SIGNING_CONFIG, () => parseTrustJson(bytes));
  return fromTrustFile(TRUSTED_ROOT, () => {
    const message = parseTrustJson(state.wanted.get(TRUSTED_ROOT)!);
    return readTrust(message, signingConfig, origin);
  });
}

/** When the targets were signed, as far as their metadata tells. */
export function published({ targets }: TufState): Date | undefined {
  const days = targets.metadata.signed.unrecognizedFields?.[EXPIRY_PERIOD];
  if (typeof days !== "number" || !Number.isSafeInteger(days) || days < 1) return undefined;
  const date = new Date(targets.expires.getTime() - days * DAY_MS);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** Whether a repository's files are newer than what is built in. */
export function isNewer(state: TufState, { builtIn }: Repository): boolean {
  if (!builtIn) return true;
  if (builtIn.version !== undefined) return state.targets.version > builtIn.version;
  const date = published(state);
  return date !== undefined && date > builtIn.date;
}

/**
 * Whether a cache says of itself that it is newer than what is built in. Mostly it is not, and verifying it takes
 * the TUF library, which takes 40 ms to load.
 */
export function claimsToBeNewer({ version }: CachedRepository, { builtIn }: Repository): boolean {
  return builtIn?.version === undefined || version > builtIn.version;
}

/** `its TUF timestamp expired on 2026-05-20; …`, unless nothing has. */
function expiryNotes({ expired }: TufState): readonly string[] {
  if (expired.length === 0) return [];
  const parts = expired.map(({ role, expires }) => `${role} expired on ${day(expires)}`);
  return [`its TUF ${parts.join(", its ")}; \`trust update\` renews it`];
}
