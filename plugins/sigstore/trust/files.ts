/** Trust in files that a user named. */

import { stat } from "node:fs/promises";
import type { Json } from "../../../core/json.ts";
import type { RunOptions } from "../../../core/options.ts";
import { readCapped } from "../../_input/mod.ts";
import { type ClientTrustConfig, clientTrustConfigOf } from "../client_trust_config.ts";
import { fromTrustFile, parseTrustJson } from "../trusted_root.ts";
import { readTrust, type SelectedTrust, type TrustOrigin } from "./trust.ts";

/** Bytes of a file of trust: those of Sigstore have 8 KB, and 200 authorities with long chains about 2 MB. */
const MAX_FILE_BYTES: number = 4 * 1024 * 1024;

/**
 * Trust in what a TrustedRoot file names.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `TRUST_MALFORMED`, `ABORTED`
 */
export async function trustRootFile(
  path: string,
  options: RunOptions,
): Promise<SelectedTrust> {
  return await trustFile(path, "trusted root", options, (trustedRoot) => ({ trustedRoot }));
}

/** Trust in an instance that a ClientTrustConfig file describes. Throws like {@link trustRootFile}. */
export async function trustConfigFile(
  path: string,
  options: RunOptions,
): Promise<SelectedTrust> {
  return await trustFile(path, "trust config", options, clientTrustConfigOf);
}

async function trustFile(
  path: string,
  what: string,
  options: RunOptions,
  read: (json: Json) => ClientTrustConfig,
): Promise<SelectedTrust> {
  const bytes = await readCapped(path, what, MAX_FILE_BYTES, options);
  const origin = await originOf(path);
  return fromTrustFile(path, () => {
    const { trustedRoot, signingConfig } = read(parseTrustJson(bytes));
    return readTrust(trustedRoot, signingConfig, origin);
  });
}

async function originOf(path: string): Promise<TrustOrigin> {
  const origin = { kind: "file" as const, name: path, notes: [] };
  // It was read, so only a pipe may be gone; that has no date either.
  const facts = await stat(path).catch(() => undefined);
  return facts?.isFile() ? { ...origin, date: facts.mtime } : origin;
}
