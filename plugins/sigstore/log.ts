/** Whether an entry is in a log that is trusted. */

import { Buffer } from "node:buffer";
import { base64 } from "../../core/encoding.ts";
import type { Issue, IssueCode } from "../../core/errors.ts";
import { isSignedBy } from "./checkpoint.ts";
import { printable } from "../../core/text.ts";
import { isOfRekor2, type LogEntry } from "./entry.ts";
import { contains } from "./members.ts";
import { includes, leafHash } from "./merkle.ts";
import { verifiesWith } from "./signature.ts";
import type { Log } from "./trusted_root.ts";

/** What a log proves about an entry. */
export type LoggedEntry = {
  readonly log: Log;
  /** In the log as a whole if it has signed that, else in the tree of the inclusion proof. */
  readonly index: number;
  /** When the log took the entry in, if it has signed that time. */
  readonly time?: Date;
};

/** The outcome for one entry. A `foreign` one is of a log that is not known, and proves nothing. */
export type LogResult =
  | ({ readonly ok: true } & LoggedEntry)
  | { readonly ok: false; readonly foreign: boolean; readonly issue: Issue };

/**
 * Verifies that a trusted log holds the entry: by the inclusion proof up to a checkpoint that the log has
 * signed, and by its inclusion promise when there is one. Unless a proof is required, a promise is enough.
 *
 * Findings: `TLOG_UNKNOWN` (foreign), `TLOG_INCLUSION_PROOF`, `TLOG_CHECKPOINT`, `TLOG_INCLUSION_PROMISE`.
 */
export function verifyLogged(
  entry: LogEntry,
  logs: readonly Log[],
  { proofRequired }: { readonly proofRequired: boolean },
): LogResult {
  const known = logs.filter(({ id }) => id === entry.logId);
  if (known.length === 0) {
    const message = `the entry is in log ${entry.logId}, which is not among those that are trusted`;
    const hint = "a signature of another Sigstore instance needs that instance's trust";
    return { ok: false, foreign: true, issue: { code: "TLOG_UNKNOWN", message, hint } };
  }
  // A log may be listed twice, with periods that follow each other.
  const results = known.map((log) => verifyInLog(entry, log, proofRequired));
  return results.find(({ ok }) => ok) ?? results[0]!;
}

function verifyInLog(entry: LogEntry, log: Log, proofRequired: boolean): LogResult {
  const { proof, promise } = entry;
  const name = printable(log.baseUrl);
  if (proof === undefined && (proofRequired || promise === undefined)) {
    return failure("TLOG_INCLUSION_PROOF", `the entry has no proof that it is in ${name}`);
  }
  if (proof) {
    const issue = proofIssue(entry, proof, log);
    if (issue) return { ok: false, foreign: false, issue };
  }
  if (proof && promise === undefined) {
    // A log of Rekor v2 is one tree, so both say the same. In v1 the trees before it count, too, and only the
    // promise tells how many they hold.
    const index = proof.logIndex;
    if (!isOfRekor2(entry) || entry.logIndex === index) return { ok: true, log, index };
    return failure(
      "TLOG_INCLUSION_PROOF",
      "the inclusion proof is for another index than the entry's",
    );
  }
  const time = entry.integratedTime;
  if (!time || !promise || !verifiesWith(log, promisedBytes(entry, time), promise)) {
    return failure(
      "TLOG_INCLUSION_PROMISE",
      `the entry's time and index in ${name} were not signed by that log`,
    );
  }
  if (!contains(log.validFor, time)) {
    return failure(
      "TLOG_UNKNOWN",
      `the log ${name} took the entry at ${time.toISOString()}, when it was not trusted`,
    );
  }
  return { ok: true, log, index: entry.logIndex, time };
}

function proofIssue(
  entry: LogEntry,
  { checkpoint, rootHash, treeSize, logIndex, hashes }: NonNullable<LogEntry["proof"]>,
  log: Log,
): Issue | undefined {
  if (!isSignedBy(checkpoint, log)) {
    const message = `the checkpoint of the inclusion proof was not signed by ${
      printable(log.baseUrl)
    }`;
    return { code: "TLOG_CHECKPOINT", message };
  }
  if (checkpoint.treeSize !== treeSize || Buffer.compare(checkpoint.rootHash, rootHash) !== 0) {
    const message = "the inclusion proof is for another tree than its checkpoint";
    return { code: "TLOG_CHECKPOINT", message };
  }
  if (!includes(rootHash, treeSize, logIndex, leafHash(entry.body), hashes)) {
    const message = `the inclusion proof does not show that the entry is in the tree of ${
      printable(log.baseUrl)
    }`;
    return { code: "TLOG_INCLUSION_PROOF", message };
  }
  return undefined;
}

/** What a signed entry timestamp is over: canonical JSON (RFC 8785), whose members are in this order. */
function promisedBytes({ body, logIndex, logId }: LogEntry, time: Date): Uint8Array {
  return Buffer.from(JSON.stringify({
    body: base64(body),
    integratedTime: time.getTime() / 1000,
    logID: logId,
    logIndex,
  }));
}

function failure(code: IssueCode, message: string): LogResult {
  return { ok: false, foreign: false, issue: { code, message } };
}
