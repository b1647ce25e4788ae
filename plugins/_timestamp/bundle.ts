/** Whether the timestamps of a bundle can be believed. */

import type { Bundle } from "../../core/bundle.ts";
import { failedCheck, passedCheck, skippedCheck } from "../../core/check.ts";
import { type Issue, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { counted, printable } from "../../core/text.ts";
import type { Check, Timestamp } from "../../core/verifier.ts";
import { type FileContent, named } from "../_input/mod.ts";
import { MAX_CLOCK_DIFFERENCE, type TimestampAuthority, verifyTimestamp } from "../_rfc3161/mod.ts";
import {
  type CheckedSignatures,
  isoTime,
  nameText,
  readCertificates,
  splitTrust,
} from "../_x509/mod.ts";
import { MAX_TIMESTAMPS } from "./limits.ts";

/** What the timestamps of a bundle prove; the id of the check is `timestamps`. */
export type TimestampVerifier = (
  bundle: Bundle,
  options: RunOptions,
) => Promise<{
  readonly check: Check;
  /** Only those that are believed. */
  readonly timestamps: readonly Timestamp[];
}>;

/** Whose timestamps are believed. */
export type TimestampVerifierOptions = {
  /**
   * Certificates in PEM (any number in a file) or DER: the self-signed ones are trusted to name timestamp
   * authorities, the others help to build the path. Without any, no timestamp is believed.
   */
  readonly trustAnchors?: readonly FileContent[];
  /** Refuse a signature that has no timestamp which is believed. */
  readonly required?: boolean;
};

/**
 * Makes a verifier of timestamps. Those by others than the trusted authorities prove nothing and harm nothing; one
 * by a trusted authority that does not hold, or of a time to come, is refused.
 *
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`, `KEY_UNSUPPORTED`, `TRUST_ANCHOR_MISSING`
 */
export async function timestampVerifier(
  { trustAnchors = [], required = false }: TimestampVerifierOptions,
): Promise<TimestampVerifier> {
  const authorities = await authoritiesOf(trustAnchors);
  return async (bundle, options) => {
    const count = bundle.timestamps.length;
    if (count === 0) return none(required, "TIMESTAMP_MISSING", "the bundle has no timestamp");
    if (authorities.length === 0) {
      const detail =
        `timestamps in the bundle (${count}) were not verified: no trust in a timestamp ` +
        "authority was given";
      return none(required, "TIMESTAMP_UNTRUSTED", detail);
    }
    if (count > MAX_TIMESTAMPS) {
      const message =
        `the bundle has ${count} timestamps, more than the limit of ${MAX_TIMESTAMPS}`;
      return refused({ code: "TIMESTAMP_MALFORMED", message });
    }
    const proven = new Map<string, { readonly time: Date; readonly authority: string }>();
    const checked: CheckedSignatures = new Map();
    let foreign: Issue | undefined;
    for (const timestamp of bundle.timestamps) {
      throwIfAborted(options.signal);
      const { signature } = bundle.envelope;
      const result = await verifyTimestamp(timestamp, signature, authorities, checked);
      if (result.ok) {
        const future = futureIssue(result.time, new Date());
        if (future) return refused(future);
        proven.set(result.key, result);
      } else if (result.foreign) foreign ??= result.issue;
      else return refused(result.issue);
    }
    if (proven.size === 0) return none(required, "TIMESTAMP_UNTRUSTED", foreign!.message);
    return believed([...proven.values()], count - proven.size);
  };
}

async function authoritiesOf(
  contents: readonly FileContent[],
): Promise<readonly TimestampAuthority[]> {
  if (contents.length === 0) return [];
  const given = contents.flatMap((content, index) => {
    const { bytes, name } = named(content, "timestamp authority certificate", index);
    return readCertificates(bytes, name);
  });
  const { anchors, intermediates } = await splitTrust(given);
  return anchors.map((anchor) => ({
    name: nameText(anchor.subject),
    anchor,
    others: intermediates,
  }));
}

function believed(
  proven: readonly { readonly time: Date; readonly authority: string }[],
  foreign: number,
): Awaited<ReturnType<TimestampVerifier>> {
  const timestamps = proven.toSorted((left, right) => left.time.getTime() - right.time.getTime())
    .map(({ time, authority }): Timestamp => ({
      source: "rfc3161",
      time: isoTime(time),
      authority,
    }));
  const told = timestamps.map(({ time, authority }) => `${time} by ${printable(authority)}`);
  const others = foreign === 0
    ? ""
    : `; ${
      counted(foreign, "timestamp")
    } by others who are not trusted, or the same again, not counted`;
  const detail = told.join(", ") + others;
  return { check: passedCheck("timestamps", detail), timestamps };
}

/** Nobody can have seen a signature at a time to come; a certificate that is not valid yet must not become so by it. */
function futureIssue(time: Date, now: Date): Issue | undefined {
  return time.getTime() <= now.getTime() + MAX_CLOCK_DIFFERENCE ? undefined : {
    code: "TIMESTAMP_UNTRUSTED",
    message: `a timestamp is of ${isoTime(time)}, and this machine's clock says ${isoTime(now)}`,
    hint: "check this machine's clock",
  };
}

function none(
  required: boolean,
  code: Issue["code"],
  detail: string,
): Awaited<ReturnType<TimestampVerifier>> {
  const check = required
    ? failedCheck("timestamps", { code, message: detail })
    : skippedCheck("timestamps", detail);
  return { check, timestamps: [] };
}

function refused(issue: Issue): Awaited<ReturnType<TimestampVerifier>> {
  return { check: failedCheck("timestamps", issue), timestamps: [] };
}
