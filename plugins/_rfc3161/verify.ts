/** Verifying a timestamp against authorities that are trusted. */

import type { Issue } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import type { CertificateInfo } from "../../core/verifier.ts";
import {
  type Certificate,
  certificateInfo,
  type CheckedSignatures,
  findPath,
  isoTime,
  PURPOSE,
} from "../_x509/mod.ts";
import { imprintIssue } from "./imprint.ts";
import { findSigner } from "./signer.ts";
import { parseTimestamp, type Token } from "./token.ts";

/** An authority whose timestamps are believed. */
export type TimestampAuthority = {
  /** What people call it. Not escaped. */
  readonly name: string;
  /** What its path must end at; may be the very certificate that it signs with. */
  readonly anchor: Certificate;
  /** The certificates below the anchor, as far as they are known; trusted in nothing. */
  readonly others: readonly Certificate[];
  /** The only certificate that it signs with. Without it: any for timestamps that has a path to the anchor. */
  readonly signer?: Certificate;
  /** When its timestamps are believed; both ends are included. Without it: as long as its certificates are valid. */
  readonly validFor?: { readonly start: Date; readonly end?: Date };
};

/** What {@link verifyTimestamp} found. */
export type TimestampResult =
  | {
    readonly ok: true;
    /** When the authority saw the bytes, cut to whole milliseconds. */
    readonly time: Date;
    /** The authority's name, as given. */
    readonly authority: string;
    /** The certificate that it signed with. */
    readonly authorityCertificate: CertificateInfo;
    /** The same for the same token only, whatever stands around it: tokens are counted by it. */
    readonly key: string;
  }
  | {
    readonly ok: false;
    readonly issue: Issue;
    /** Set when nothing is wrong with the token as far as can be told, but no given authority issued it. */
    readonly foreign: boolean;
  };

/**
 * Verifies a timestamp over `imprinted`, which is a response (TimeStampResp) or the token in it. Revocation is
 * not looked at. Never throws for what is in it.
 *
 * Findings: `TIMESTAMP_MALFORMED`; `TIMESTAMP_MISMATCH` when it is about other bytes; `TIMESTAMP_UNTRUSTED` for
 * everything else that keeps it from being believed.
 *
 * @param checked one for all timestamps of a bundle, which bring certificates that nobody vouches for: 32 of them took
 * a minute with a limit for each (300 KB, CAs with P-521 keys in a circle)
 */
export async function verifyTimestamp(
  response: Uint8Array,
  imprinted: Uint8Array,
  authorities: readonly TimestampAuthority[],
  checked: CheckedSignatures = new Map(),
): Promise<TimestampResult> {
  const parsed = parseTimestamp(response);
  if (!parsed.ok) return { ok: false, issue: parsed.issue, foreign: false };
  const token = parsed.value;
  const mismatch = imprintIssue(token.info, imprinted);
  if (mismatch) return { ok: false, issue: mismatch, foreign: false };
  const signer = await findSigner(token, [...certificatesOf(authorities), ...token.certificates]);
  if (!signer) {
    return refused(
      "no given authority issued a timestamp: the certificate of its signer is neither in it nor known",
      true,
    );
  }
  if ("issue" in signer) return { ok: false, issue: signer.issue, foreign: false };
  return await judge(token, signer.certificate, authorities, checked);
}

/** Whether an authority vouches for the signer at the token's time. */
async function judge(
  token: Token,
  signer: Certificate,
  authorities: readonly TimestampAuthority[],
  checked: CheckedSignatures,
): Promise<TimestampResult> {
  const { time } = token.info;
  const candidates = authorities.filter(({ signer: own }) =>
    own === undefined || own.fingerprint === signer.fingerprint
  );
  const search = (among: readonly TimestampAuthority[]) =>
    findPath(signer, {
      anchors: among.map(({ anchor }) => anchor),
      intermediates: [...among.flatMap(({ others }) => others), ...token.certificates],
    }, { at: time, purpose: PURPOSE.timeStamping, checked });

  const active = candidates.filter((authority) => isActive(authority, time));
  const found = await search(active);
  if (found.path) {
    if (found.outOfDate) {
      return refused(`a timestamp is not trusted: ${found.outOfDate.message}`, false);
    }
    return {
      ok: true,
      time,
      authority: authorityOf(found.path, active).name,
      authorityCertificate: certificateInfo(signer),
      // RFC 3161 2.4.2: serial numbers are unique for each authority.
      key: `${signer.fingerprint}:${token.info.serial}`,
    };
  }
  const others = candidates.filter((authority) => !isActive(authority, time));
  const ended = await search(others);
  if (ended.path) {
    return refused(
      `a timestamp of ${isoTime(time)} is not trusted: ${
        quote(authorityOf(ended.path, others).name)
      } is not trusted for that time`,
      false,
    );
  }
  const { code, message } = found.issue;
  return code === "CERTIFICATE_UNTRUSTED"
    ? refused(`no given authority issued a timestamp: ${message}`, true)
    : refused(`a timestamp is not trusted: ${message}`, false);
}

function certificatesOf(authorities: readonly TimestampAuthority[]): readonly Certificate[] {
  return authorities.flatMap(({ anchor, others }) => [...others, anchor]);
}

function authorityOf(
  path: readonly Certificate[],
  authorities: readonly TimestampAuthority[],
): TimestampAuthority {
  const anchor = path.at(-1)!.fingerprint;
  return authorities.find((authority) => authority.anchor.fingerprint === anchor)!;
}

function isActive({ validFor }: TimestampAuthority, at: Date): boolean {
  return validFor === undefined ||
    (at >= validFor.start && (validFor.end === undefined || at <= validFor.end));
}

function refused(message: string, foreign: boolean): TimestampResult {
  return { ok: false, issue: { code: "TIMESTAMP_UNTRUSTED", message }, foreign };
}
