/** Certificate revocation lists (RFC 5280 5), parsed. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import { pemBlocks } from "../_input/mod.ts";
import {
  checkInnerAlgorithm,
  parseAlgorithm,
  parseSigned,
  type SignedData,
} from "./certificate.ts";
import {
  context,
  DerError,
  DerReader,
  integer,
  readOnly,
  smallInteger,
  TAG,
  time,
} from "../_der/mod.ts";
import { EXTENSION, parseRawExtensions, type RawExtension } from "./extensions.ts";
import { type Name, nameKey, parseName } from "./name.ts";

/** A revocation list. Nothing in it is verified. */
export type Crl = SignedData & {
  readonly issuer: Name;
  /** The name in the form in which it is compared. */
  readonly issuerKey: string;
  readonly thisUpdate: Date;
  readonly nextUpdate?: Date;
  /** The list names certificates that have expired, too, if they did so at this time or later. */
  readonly expiredSince?: Date;
  /** The entries as they stand, well-formed. {@link revocationReason} looks into them. */
  readonly entries: Uint8Array;
  /** Why the list cannot be used as a complete one, as a clause ("it is a delta list"). */
  readonly limitation?: string;
};

/** Reason code of a revocation that can end: later lists leave the certificate out again. */
export const CERTIFICATE_HOLD = 6;
/** Reason code of an entry that revokes nothing: the certificate is not on hold any more. */
const REMOVE_FROM_CRL = 8;

const REASON_CODE = "2.5.29.21";
const DELTA_CRL_INDICATOR = "2.5.29.27";
const ISSUING_DISTRIBUTION_POINT = "2.5.29.28";
const EXPIRED_CERTS_ON_CRL = "2.5.29.60";

/** Extensions that may be critical: they change nothing about what the list says. */
const HARMLESS: ReadonlySet<string> = new Set([
  EXTENSION.authorityKeyIdentifier,
  EXTENSION.crlNumber,
]);

/**
 * Reads the revocation lists in a file: PEM, any number, or DER, one.
 *
 * @param name names the file in messages: its path
 * @throws {ModelSigningError} `CRL_MALFORMED`
 */
export function readCrls(bytes: Uint8Array, name: string): readonly Crl[] {
  const blocks = pemBlocks(bytes);
  const ders = blocks.length === 0
    ? [bytes]
    : blocks.filter(({ label }) => label === "X509 CRL").map(({ der }) => der);
  if (ders.length === 0) {
    const labels = [...new Set(blocks.map(({ label }) => label))].join(", ");
    throw new ModelSigningError(
      "CRL_MALFORMED",
      `${quote(name)} holds ${labels}, expected X509 CRL`,
    );
  }
  return ders.map((der) => {
    try {
      return parseCrl(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new ModelSigningError(
        "CRL_MALFORMED",
        `cannot read the revocation list ${quote(name)}: ${error.message}`,
      );
    }
  });
}

/**
 * The reason code (RFC 5280 5.3.1, 0 when none is given) of the entry that revokes a certificate, or
 * undefined. Walks through the entries, so that a list of a million of them takes no memory.
 *
 * @param serial as the certificate has it, lowercase hex
 */
export function revocationReason(crl: Crl, serial: string): number | undefined {
  const wanted = Buffer.from(serial, "hex");
  const reader = new DerReader(crl.entries);
  while (!reader.done) {
    const entry = parseEntry(reader);
    if (wanted.equals(entry.serial) && entry.reason !== REMOVE_FROM_CRL) return entry.reason;
  }
  return undefined;
}

function parseCrl(der: Uint8Array): Crl {
  const { content: tbs, ...signed } = parseSigned(der);
  const version = tbs.optional(TAG.integer, "the version");
  // RFC 5280 5.1.2.1: absent means version 1, and the only other one is 2, which is encoded as 1.
  if (version && smallInteger(version.content, "the version") !== 1) {
    throw new DerError("it is of an unknown version");
  }
  checkInnerAlgorithm(parseAlgorithm(tbs, "the signature algorithm"), signed.algorithm);
  const issuer = parseName(tbs.read(TAG.sequence, "the issuer"));
  const thisUpdate = time(tbs.next("thisUpdate"), "thisUpdate");
  const hasNext = tbs.nextTag === TAG.utcTime || tbs.nextTag === TAG.generalizedTime;
  const nextUpdate = hasNext ? time(tbs.next("nextUpdate"), "nextUpdate") : undefined;
  const entries = tbs.optional(TAG.sequence, "the entries")?.content ?? new Uint8Array();
  const tagged = tbs.optional(context(0, "constructed"), "the extensions");
  tbs.end("the signed part");
  const extensions = tagged
    ? parseRawExtensions(readOnly(tagged.content, TAG.sequence, "the extensions"))
    : [];
  const expired = extensions.find(({ id }) => id === EXPIRED_CERTS_ON_CRL);
  const limitation = entryLimitation(entries) ?? listLimitation(extensions);
  return {
    ...signed,
    issuer,
    issuerKey: nameKey(issuer),
    thisUpdate,
    ...(nextUpdate ? { nextUpdate } : {}),
    ...(expired ? { expiredSince: parseExpiredSince(expired.value) } : {}),
    entries,
    ...(limitation === undefined ? {} : { limitation }),
  };
}

type Entry = {
  readonly serial: Uint8Array;
  readonly reason: number;
  /** Dotted identifier of a critical extension, if it has one. */
  readonly critical?: string;
};

function parseEntry(entries: DerReader): Entry {
  const entry = entries.enter(TAG.sequence, "an entry");
  const number = "an entry's serial number";
  const serial = integer(entry.read(TAG.integer, number).content, number);
  time(entry.next("an entry's date"), "an entry's date");
  if (entry.done) return { serial, reason: 0 };
  const extensions = parseRawExtensions(entry.enter(TAG.sequence, "an entry's extensions"));
  entry.end("an entry");
  const reason = extensions.find(({ id }) => id === REASON_CODE);
  const critical = extensions.find((extension) => extension.critical && extension !== reason);
  return {
    serial,
    reason: reason ? parseReason(reason.value) : 0,
    ...(critical ? { critical: critical.id } : {}),
  };
}

/** Parses every entry. RFC 5280 5.3: one critical extension that is unknown spoils the whole list. */
function entryLimitation(entries: Uint8Array): string | undefined {
  const reader = new DerReader(entries);
  let limitation: string | undefined;
  while (!reader.done) {
    const { critical } = parseEntry(reader);
    if (critical !== undefined) limitation ??= `an entry has the critical extension ${critical}`;
  }
  return limitation;
}

function parseReason(value: Uint8Array): number {
  const reader = new DerReader(value);
  const reason = smallInteger(reader.read(TAG.enumerated, "a reason").content, "a reason");
  reader.end("a reason");
  return reason;
}

/** X.509, expiredCertsOnCRL: the list's scope extends to what expired at this time or later. */
function parseExpiredSince(value: Uint8Array): Date {
  const what = "the time from which expired certificates are listed";
  const reader = new DerReader(value);
  const since = time(reader.read(TAG.generalizedTime, what), what);
  reader.end(what);
  return since;
}

/** A list whose scope is not "every certificate of its issuer" proves nothing by leaving one out. */
function listLimitation(extensions: readonly RawExtension[]): string | undefined {
  for (const { id, critical } of extensions) {
    if (id === DELTA_CRL_INDICATOR) return "it is a delta list, expected a complete one";
    if (id === ISSUING_DISTRIBUTION_POINT) {
      return "it covers only part of its issuer's certificates (issuing distribution point)";
    }
    if (critical && !HARMLESS.has(id)) return `it has the critical extension ${id}`;
  }
  return undefined;
}
