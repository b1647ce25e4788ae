/** Whether the timestamps of a bundle can be believed. */

import type { Bundle } from "../../core/bundle.ts";
import { failedCheck, skippedCheck } from "../../core/check.ts";
import { type Issue, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { counted, printable } from "../../core/text.ts";
import type { Check, Timestamp } from "../../core/verifier.ts";
import { type FileContent, named } from "../_keyfile/mod.ts";
import { type TimestampAuthority, verifyTimestamp } from "../_rfc3161/mod.ts";
import {
  type CheckedSignatures,
  isoTime,
  nameText,
  readCertificates,
  splitTrust,
} from "../_x509/mod.ts";

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

/** Timestamps that a bundle may have. Each takes several signature checks. */
const MAX_TIMESTAMPS = 32;

/** How far this machine's clock may be behind a timestamp before the report says so, in ms. */
const CLOCK_TOLERANCE = 5 * 60 * 1000;

/**
 * Makes a verifier of timestamps. Those by others than the trusted authorities prove nothing and harm nothing; one
 * by a trusted authority that does not hold is refused.
 *
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`, `TRUST_ANCHOR_MISSING`
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
      if (result.ok) proven.set(result.key, result);
      else if (result.foreign) foreign ??= result.issue;
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
  const { anchors, intermediates } = await splitTrust(contents.flatMap((content, index) => {
    const { bytes, name } = named(content, "timestamp authority certificate", index);
    return readCertificates(bytes, name);
  }));
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
  const now = new Date();
  const clock = proven.some(({ time }) => time.getTime() > now.getTime() + CLOCK_TOLERANCE)
    ? `; this machine's clock says ${
      isoTime(now)
    }, before the signature was made, so it may be wrong`
    : "";
  const detail = told.join(", ") + others + clock;
  return { check: { id: "timestamps", status: "passed", detail }, timestamps };
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
