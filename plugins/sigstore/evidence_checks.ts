/** What the log entries and timestamps of a bundle prove together, and the checks that say so. */

import { failedCheck, passedCheck } from "../../core/check.ts";
import type { Issue } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { printable } from "../../core/text.ts";
import type { Check } from "../../core/verifier.ts";
import { MAX_CLOCK_DIFFERENCE } from "../_rfc3161/mod.ts";
import { isoTime } from "../_x509/mod.ts";
import type { SignedContent } from "./content.ts";
import {
  type Findings,
  type ProvenTime,
  timesOf,
  untimelyEntry,
  verifyEntries,
  verifyTimestamps,
} from "./evidence.ts";
import type { LoggedEntry } from "./log.ts";
import type { Trust } from "./trust/mod.ts";

/** A signature, and what a bundle has to show that it was made, and when. Nothing is verified. */
export type WitnessedSignature = {
  readonly content: SignedContent;
  readonly tlogEntries: readonly JsonObject[];
  readonly timestamps: readonly Uint8Array[];
  /**
   * False for bundles of v0.1, whose log entries may have the log's promise instead of the proof. Only the client of
   * Sigstore's conformance suite (tests/conformance) reads such bundles and passes it; models are signed in v0.3.
   */
  readonly proofRequired?: boolean;
};

/** Evidence of a bundle, and the times that it proves. */
export type Evidence = {
  readonly entries: Findings<LoggedEntry>;
  readonly stamps: Findings<ProvenTime>;
  /** Earliest first. */
  readonly times: readonly ProvenTime[];
};

/**
 * Verifies what vouches for a signature.
 *
 * @param signer DER of the certificate or public key that the signature verifies with
 */
export async function verifyEvidence(
  { content, tlogEntries, timestamps, proofRequired = true }: WitnessedSignature,
  { root: { transparencyLogs, timestampAuthorities } }: Trust,
  signer: Uint8Array,
): Promise<Evidence> {
  const found = verifyEntries(tlogEntries, transparencyLogs, { content, signer, proofRequired });
  const stamps = await verifyTimestamps(timestamps, timestampAuthorities, content.signature);
  const times = [...stamps.proven, ...timesOf(found.proven)]
    .sort((left, right) => left.time.getTime() - right.time.getTime());
  const untimely = untimelyEntry(found.proven, transparencyLogs, times);
  const entries = untimely ? { ...found, issues: [...found.issues, untimely] } : found;
  return { entries, stamps, times };
}

/** The checks `transparency-log` and `timestamps`. */
export function evidenceChecks({ entries, stamps, times }: Evidence, now: Date): readonly Check[] {
  return [entriesCheck(entries), timesCheck(stamps, times, now)];
}

function entriesCheck({ proven, foreign, issues }: Findings<LoggedEntry>): Check {
  const id = "transparency-log";
  const [issue] = issues;
  if (issue) return failedCheck(id, issue);
  if (proven.length === 0) {
    return failedCheck(
      id,
      foreign[0] ?? {
        code: "TLOG_ENTRY_MISSING",
        message: "the bundle has no entry of a transparency log",
      },
    );
  }
  const told = proven.map(({ index, log }) => `entry ${index} of ${printable(log.baseUrl)}`);
  return passedCheck(id, told.join(", ") + others(foreign, "entry", "entries"));
}

function timesCheck(
  { foreign, issues }: Findings<ProvenTime>,
  times: readonly ProvenTime[],
  now: Date,
): Check {
  const id = "timestamps";
  const [issue] = issues;
  if (issue) return failedCheck(id, issue);
  if (times.length === 0) {
    return failedCheck(
      id,
      foreign[0] ?? {
        code: "TIMESTAMP_MISSING",
        message: "nobody who is trusted says when the signature was made",
      },
    );
  }
  const told = times.map(({ time, authority }) => `${isoTime(time)} by ${printable(authority)}`);
  const ahead = times.find(({ time }) => time.getTime() > now.getTime() + MAX_CLOCK_DIFFERENCE);
  const clock = ahead
    ? `; this machine's clock says ${
      isoTime(now)
    }, before the signature was made, so it may be wrong`
    : "";
  return passedCheck(id, told.join(", ") + others(foreign, "timestamp", "timestamps") + clock);
}

/** Says what was not counted. */
function others(foreign: readonly Issue[], one: string, many: string): string {
  const { length } = foreign;
  if (length === 0) return "";
  return `; ${length} ${length === 1 ? one : many} by others who are not trusted, not counted`;
}
