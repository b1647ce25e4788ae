/** What the clients of both versions of Rekor share. */

import { ModelSigningError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { requestJson } from "../_http/mod.ts";
import type { SignedContent } from "./content.ts";
import { MemberError } from "./members.ts";

/** A signature that is to be logged. */
export type NewEntry = {
  readonly content: SignedContent;
  /** What the content is of. */
  readonly envelope: { readonly payloadType: string; readonly payload: Uint8Array };
  /** DER of the certificate, whose key is EC P-256. */
  readonly certificate: Uint8Array;
};

/** What logs are called in messages. */
export const LOG = "the transparency log";

/** An entry with its proof: real ones have 5 to 15 KiB. */
const MAX_ENTRY_BYTES = 256 * 1024;

/** What a log is asked. */
export type LogRequest = {
  readonly url: URL;
  /** The entry to add; without one the URL is fetched. */
  readonly body?: string;
  /** A status that is an answer beside 200 to 299. */
  readonly also?: number;
  readonly hint?: (status: number) => string | undefined;
};

/**
 * Sends a request to a log. It may be sent again after a failure: an entry is what it says, so a log that got it
 * twice has it once, or says so.
 *
 * @throws {ModelSigningError} what `requestJson` throws
 */
export async function askLog(
  { url, body, also, hint }: LogRequest,
  options: RunOptions,
): Promise<{ readonly json: JsonObject; readonly headers: Headers; readonly status: number }> {
  options.logger?.log("debug", "asking the transparency log", {
    url: url.href,
    bytes: body?.length,
  });
  return await requestJson({
    service: LOG,
    url,
    ...(body === undefined
      ? {}
      : { method: "POST", headers: { "content-type": "application/json" }, body }),
    maxBytes: MAX_ENTRY_BYTES,
    accepts: (status) => (status >= 200 && status < 300) || status === also,
    ...(hint ? { hint } : {}),
  }, options);
}

/** Reads an answer, and says whose it was when it cannot be read. */
export function fromLog<T>({ host }: URL, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof MemberError)) throw error;
    throw unusableEntry(host, error.message);
  }
}

/** The fault of a log that answered with something other than the entry. */
export function unusableEntry(host: string, reason: string): ModelSigningError {
  return new ModelSigningError(
    "NETWORK_RESPONSE",
    `${LOG} (${host}) answered with an entry that cannot be used: ${reason}`,
  );
}
