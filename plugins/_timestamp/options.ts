/** The options of timestamps, for the methods that take them. */

import { hintedCheck, type Hints, withHints } from "../../core/hint.ts";
import { MAX_TRUST_FILE_BYTES } from "../../core/limits.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import { flagSetting, listSetting } from "../../core/settings.ts";
import type { Witness } from "../../core/signer.ts";
import { readFiles } from "../_input/mod.ts";
import { type TimestampVerifier, timestampVerifier } from "./bundle.ts";
import { timestampWitness } from "./witness.ts";

/** When signing. Read by {@link timestampWitnesses}. */
export const TIMESTAMP_OPTIONS: readonly Option[] = [
  {
    name: "tsa-url",
    type: "string",
    metavar: "URL",
    repeatable: true,
    description: "timestamp authority (RFC 3161) that is to confirm when the signature was made",
  },
];

/** When verifying. Read by {@link trustedTimestamps}. */
export const TRUST_OPTIONS: readonly Option[] = [
  {
    name: "tsa-certificate-chain",
    type: "file",
    metavar: "FILE",
    repeatable: true,
    commaSeparated: true,
    description:
      "certificates of timestamp authorities, PEM or DER: the self-signed ones are trusted, " +
      "the others help to build the chain",
  },
  {
    name: "require-timestamp",
    type: "boolean",
    description: "refuse a signature without a timestamp of a trusted authority",
  },
];

const HINTS: Hints = {
  TRUST_ANCHOR_MISSING: "add the root certificate of the authority to --tsa-certificate-chain",
  TIMESTAMP_UNTRUSTED:
    "if you trust the authority, give its certificates with --tsa-certificate-chain",
};

/**
 * A witness for each authority that is named.
 *
 * @throws {ModelSigningError} `USAGE` for an address that cannot be used
 */
export function timestampWitnesses(settings: Settings): readonly Witness[] {
  return listSetting(settings, "tsa-url").map((url) => timestampWitness({ url }));
}

/**
 * A verifier of the timestamps that are trusted.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `ABORTED`, and what {@link timestampVerifier} throws
 */
export async function trustedTimestamps(
  settings: Settings,
  options: RunOptions,
): Promise<TimestampVerifier> {
  const trustAnchors = await readFiles(
    listSetting(settings, "tsa-certificate-chain"),
    "timestamp authority certificate",
    MAX_TRUST_FILE_BYTES,
    options,
  );
  const required = flagSetting(settings, "require-timestamp") ?? false;
  const verify = await withHints(HINTS, () => timestampVerifier({ trustAnchors, required }));
  return async (bundle, options) => {
    const { check, timestamps } = await verify(bundle, options);
    return { check: hintedCheck(check, HINTS), timestamps };
  };
}
