/** Everything in a bundle that vouches for a signature besides the certificate: log entries and timestamps. */

import type { Issue } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { printable } from "../../core/text.ts";
import { type TimestampAuthority, verifyTimestamp } from "../_rfc3161/mod.ts";
import { MAX_TIMESTAMPS } from "../_timestamp/mod.ts";
import { type CheckedSignatures, isoTime } from "../_x509/mod.ts";
import type { SignedContent } from "./content.ts";
import { parseEntry } from "./entry.ts";
import { bodyIssue } from "./entry_body.ts";
import { type LoggedEntry, verifyLogged } from "./log.ts";
import { contains } from "./members.ts";
import type { Authority, Log } from "./trusted_root.ts";

/** A time that a trusted party has signed. */
export type ProvenTime = {
  readonly source: "rfc3161" | "transparency-log";
  readonly time: Date;
  readonly authority: string;
};

/** What pieces of evidence of one kind come to. */
export type Findings<T> = {
  /** Each counted once, however often the bundle has it. */
  readonly proven: readonly T[];
  /** Pieces by parties that are not trusted: they prove nothing, and harm nothing. */
  readonly foreign: readonly Issue[];
  /** What is wrong with the others. One of these is enough to refuse the signature. */
  readonly issues: readonly Issue[];
};

/** Log entries that a bundle may have: one or two are usual, and each takes several signature checks. */
export const MAX_LOG_ENTRIES = 32;

/**
 * Verifies the log entries of a bundle.
 *
 * @param signer DER of the certificate or public key that the signature verifies with
 * @param proofRequired false takes an entry with the log's promise only
 */
export function verifyEntries(
  entries: readonly JsonObject[],
  logs: readonly Log[],
  { content, signer, proofRequired }: {
    readonly content: SignedContent;
    readonly signer: Uint8Array;
    readonly proofRequired: boolean;
  },
): Findings<LoggedEntry> {
  if (entries.length > MAX_LOG_ENTRIES) {
    const found = `the bundle has ${entries.length} log entries`;
    return refused("TLOG_ENTRY_MALFORMED", found, MAX_LOG_ENTRIES);
  }
  const proven = new Map<string, LoggedEntry>();
  const foreign: Issue[] = [];
  const issues: Issue[] = [];
  for (const json of entries) {
    const parsed = parseEntry(json);
    if (!parsed.ok) {
      issues.push(parsed.issue);
      continue;
    }
    const entry = parsed.value;
    const logged = verifyLogged(entry, logs, { proofRequired });
    if (!logged.ok) {
      (logged.foreign ? foreign : issues).push(logged.issue);
      continue;
    }
    const issue = bodyIssue(entry, content, signer);
    if (issue) {
      issues.push(issue);
      continue;
    }
    const { log: { id }, time } = logged;
    // One log vouches once, however many of its entries there are.
    const earlier = proven.get(id);
    if (!earlier || (time && (!earlier.time || time < earlier.time))) proven.set(id, logged);
  }
  return { proven: [...proven.values()], foreign, issues };
}

/** Verifies the timestamps of a bundle, which are over the signature's bytes. */
export async function verifyTimestamps(
  timestamps: readonly Uint8Array[],
  authorities: readonly Authority[],
  signature: Uint8Array,
): Promise<Findings<ProvenTime>> {
  if (timestamps.length > MAX_TIMESTAMPS) {
    const found = `the bundle has ${timestamps.length} timestamps`;
    return refused("TIMESTAMP_MALFORMED", found, MAX_TIMESTAMPS);
  }
  const signers = authorities.map(withSigner);
  const checked: CheckedSignatures = new Map();
  const proven = new Map<string, ProvenTime>();
  const foreign: Issue[] = [];
  const issues: Issue[] = [];
  for (const timestamp of timestamps) {
    const result = await verifyTimestamp(timestamp, signature, signers, checked);
    if (!result.ok) (result.foreign ? foreign : issues).push(result.issue);
    else {
      const { time, authority, key } = result;
      proven.set(key, { source: "rfc3161", time, authority });
    }
  }
  return { proven: [...proven.values()], foreign, issues };
}

/**
 * An authority's own certificate, where the trusted root has it, is the only one that it signs with: others of the
 * same root may be those of authorities that are no longer trusted.
 */
function withSigner(authority: Authority): TimestampAuthority {
  const [own = authority.anchor] = authority.others;
  return own.basicConstraints?.ca ? authority : { ...authority, signer: own };
}

/** The times at which logs took the entries in. */
export function timesOf(entries: readonly LoggedEntry[]): readonly ProvenTime[] {
  return entries.flatMap(({ log, time }) =>
    time ? [{ source: "transparency-log" as const, time, authority: log.baseUrl }] : []
  );
}

/**
 * The finding about an entry without a time of its own whose log was not trusted when the signature was made,
 * as others have seen it.
 */
export function untimelyEntry(
  entries: readonly LoggedEntry[],
  logs: readonly Log[],
  times: readonly ProvenTime[],
): Issue | undefined {
  for (const { log, time } of entries) {
    if (time) continue;
    // A log may be listed twice, with periods that follow each other.
    const periods = logs.filter(({ id }) => id === log.id).map(({ validFor }) => validFor);
    const outside = times.find((seen) => !periods.some((period) => contains(period, seen.time)));
    if (!outside) continue;
    return {
      code: "TLOG_UNKNOWN",
      message: `the log ${printable(log.baseUrl)} was not trusted at ${isoTime(outside.time)}`,
    };
  }
  return undefined;
}

function refused(code: Issue["code"], found: string, limit: number): Findings<never> {
  const message = `${found}, more than the limit of ${limit}`;
  return { proven: [], foreign: [], issues: [{ code, message }] };
}
