/** What the timestamps of a bundle claim. */

import type { Bundle } from "../../core/bundle.ts";
import { describeTimestamp } from "../_rfc3161/mod.ts";
import { isoTime } from "../_x509/mod.ts";
import { MAX_TIMESTAMPS } from "./limits.ts";

/** Fields of a bundle's description, one for each timestamp: when, and by whom. Nothing is verified, nothing escaped. */
export function timestampFields(
  { timestamps }: Bundle,
): readonly (readonly [label: string, value: string])[] {
  return timestamps.slice(0, MAX_TIMESTAMPS).map((timestamp) => {
    const claim = describeTimestamp(timestamp);
    if (claim === undefined) return ["timestamp", "malformed"];
    const time = isoTime(new Date(claim.time));
    return ["timestamp", claim.authority === undefined ? time : `${time} by ${claim.authority}`];
  });
}
