/** Entering signatures in a transparency log. */

import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { parseEntry } from "./entry.ts";
import { bodyIssue } from "./entry_body.ts";
import { type NewEntry, unusableEntry } from "./new_entry.ts";
import { addToRekor1 } from "./rekor_v1.ts";
import { addToRekor2 } from "./rekor_v2.ts";
import type { Service } from "./signing_config.ts";

/**
 * Enters a signature in a log, and gives the entry with its proof as a bundle carries it. The entry must be about
 * this signature; proof, checkpoint and promise are checked with the finished bundle.
 *
 * @throws {ModelSigningError} `NETWORK_RESPONSE` for an entry that is malformed or about something else, and
 * what `requestJson` throws
 */
export async function addToLog(
  log: Service,
  entry: NewEntry,
  options: RunOptions,
): Promise<JsonObject> {
  const add = log.majorApiVersion === 1 ? addToRekor1 : addToRekor2;
  const added = await add(log.url, entry, options);
  const parsed = parseEntry(added);
  const issue = parsed.ok
    ? bodyIssue(parsed.value, entry.content, entry.certificate)
    : parsed.issue;
  if (issue) throw unusableEntry(new URL(log.url).host, issue.message);
  options.logger?.log("debug", "the transparency log has the signature", {
    url: log.url,
    index: String(added["logIndex"]),
  });
  return added;
}
