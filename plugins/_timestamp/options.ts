/** The options of timestamps, for the methods that take them. */

import { MAX_TRUST_FILE_BYTES } from "../../core/limits.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import type { Witness } from "../../core/signer.ts";
import { serviceUrl } from "../_http/mod.ts";
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

/**
 * A witness for each authority that is named.
 *
 * @throws {ModelSigningError} `USAGE` for an address that cannot be used
 */
export function timestampWitnesses(settings: Settings): readonly Witness[] {
  const urls = settings["tsa-url"];
  const list: readonly string[] = Array.isArray(urls) ? urls : [];
  return list.map((url) =>
    timestampWitness(
      serviceUrl(url, "", "the timestamp authority", "USAGE", { plainHttp: true }),
    )
  );
}

/** A verifier of the timestamps that are trusted. Throws `FILE_UNREADABLE` and what {@link timestampVerifier} throws. */
export async function trustedTimestamps(settings: Settings): Promise<TimestampVerifier> {
  return await timestampVerifier({
    trustAnchors: await readFiles(
      settings["tsa-certificate-chain"],
      "timestamp authority certificate",
      MAX_TRUST_FILE_BYTES,
    ),
    required: settings["require-timestamp"] === true,
  });
}
