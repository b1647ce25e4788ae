/** X.509 certificates (RFC 5280 4.1), parsed. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hex } from "../../core/encoding.ts";
import { type Parsed, parsed, Refusal } from "../../core/errors.ts";
import { MAX_KEY_FILE_BYTES } from "../../core/limits.ts";
import { quote } from "../../core/text.ts";
import {
  context,
  DerError,
  DerReader,
  integer,
  octets,
  oid,
  readOnly,
  smallInteger,
  TAG,
  time,
} from "../_der/mod.ts";
import {
  type Extensions,
  parseExtensions,
  parseRawExtensions,
  type RawExtension,
} from "./extensions.ts";
import { labelledName } from "./general_name.ts";
import { MAX_SHOWN_SUBJECT } from "./limits.ts";
import { type Name, nameKey, nameText, parseName } from "./name.ts";

/** An algorithm with its parameters. */
export type AlgorithmIdentifier = {
  /** Dotted object identifier. */
  readonly id: string;
  /** Encoding of the parameters, when there are any. */
  readonly parameters?: Uint8Array;
};

/** A public key as the certificate has it. */
export type SubjectPublicKeyInfo = {
  /** The whole structure, DER. */
  readonly der: Uint8Array;
  readonly algorithm: AlgorithmIdentifier;
  /** Content of the BIT STRING. */
  readonly key: Uint8Array;
};

/** What was signed, by what algorithm, and the signature: the frame of certificates and of CRLs. */
export type SignedData = {
  /** Encoding of the part that is signed. */
  readonly tbs: Uint8Array;
  readonly algorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
};

/** A certificate. Nothing in it is verified. */
export type Certificate = SignedData & Extensions & {
  readonly der: Uint8Array;
  readonly version: 1 | 2 | 3;
  /** Lowercase hex of the encoding. */
  readonly serial: string;
  readonly issuer: Name;
  readonly subject: Name;
  /** The names in the form in which they are compared. */
  readonly issuerKey: string;
  readonly subjectKey: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly publicKeyInfo: SubjectPublicKeyInfo;
  /** Every extension as it stands, in the certificate's order. */
  readonly rawExtensions: readonly RawExtension[];
  /** SHA-256 of the DER, lowercase hex. */
  readonly fingerprint: string;
};

/** Parses a certificate. Never throws for what is in it. Finding: `CERTIFICATE_MALFORMED`. */
export function parseCertificate(der: Uint8Array): Parsed<Certificate> {
  return parsed(() => {
    try {
      if (der.length > MAX_KEY_FILE_BYTES) {
        throw new DerError(`it has more than ${MAX_KEY_FILE_BYTES} bytes`);
      }
      return certificate(der);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new Refusal("CERTIFICATE_MALFORMED", `a certificate is malformed: ${error.message}`);
    }
  });
}

/**
 * How messages call a certificate: its subject in quotes, else its first alternative name, else its serial
 * number. Safe to print.
 */
export function certificateName({ subject, subjectAltNames, serial }: Certificate): string {
  const [first] = subjectAltNames ?? [];
  const text = subject.length > 0
    ? nameText(subject)
    : first
    ? labelledName(first)
    : `serial number ${serial}`;
  return quote(text.length > MAX_SHOWN_SUBJECT ? `${text.slice(0, MAX_SHOWN_SUBJECT)}...` : text);
}

/** Splits a SEQUENCE of signed part, algorithm and signature. Throws DerError. */
export function parseSigned(der: Uint8Array): SignedData & { readonly content: DerReader } {
  const outer = readOnly(der, TAG.sequence, "it");
  const { content, whole } = outer.read(TAG.sequence, "the signed part");
  const algorithm = parseAlgorithm(outer, "the signature algorithm");
  const signature = octets(outer.read(TAG.bitString, "the signature").content, "the signature");
  outer.end("it");
  return { tbs: whole, algorithm, signature, content: new DerReader(content) };
}

/** Reads an AlgorithmIdentifier. Throws DerError. */
export function parseAlgorithm(reader: DerReader, what: string): AlgorithmIdentifier {
  const inner = reader.enter(TAG.sequence, what);
  const id = oid(inner.read(TAG.oid, what).content);
  if (inner.done) return { id };
  const parameters = inner.next(what).whole;
  inner.end(what);
  return { id, parameters };
}

/** Refuses a signed part that names another algorithm than the frame (RFC 5280 4.1.2.3). Throws DerError. */
export function checkInnerAlgorithm(inner: AlgorithmIdentifier, outer: AlgorithmIdentifier): void {
  const none = new Uint8Array();
  if (
    inner.id !== outer.id ||
    Buffer.compare(inner.parameters ?? none, outer.parameters ?? none) !== 0
  ) throw new DerError("it names two different signature algorithms");
}

function certificate(der: Uint8Array): Certificate {
  const { content: tbs, ...signed } = parseSigned(der);
  const version = parseVersion(tbs);
  const serial = integer(tbs.read(TAG.integer, "the serial number").content, "the serial number");
  checkInnerAlgorithm(parseAlgorithm(tbs, "the signature algorithm"), signed.algorithm);
  const issuer = parseName(tbs.read(TAG.sequence, "the issuer"));
  const validity = tbs.enter(TAG.sequence, "the validity");
  const notBefore = time(validity.next("notBefore"), "notBefore");
  const notAfter = time(validity.next("notAfter"), "notAfter");
  validity.end("the validity");
  const subject = parseName(tbs.read(TAG.sequence, "the subject"));
  const publicKeyInfo = parsePublicKeyInfo(tbs);
  // Unique identifiers: obsolete (RFC 5280 4.1.2.8), carried by v2 and v3 only, of no use here.
  if (version > 1) {
    tbs.optional(context(1, "primitive"), "the issuer's unique identifier");
    tbs.optional(context(2, "primitive"), "the subject's unique identifier");
  }
  const extensions = version === 3
    ? tbs.optional(context(3, "constructed"), "the extensions")
    : undefined;
  tbs.end("the signed part");
  const rawExtensions = extensions
    ? parseRawExtensions(readOnly(extensions.content, TAG.sequence, "the extensions"))
    : [];
  return {
    ...signed,
    ...parseExtensions(rawExtensions),
    der,
    version,
    serial: hex(serial),
    issuer,
    subject,
    issuerKey: nameKey(issuer),
    subjectKey: nameKey(subject),
    notBefore,
    notAfter,
    publicKeyInfo,
    rawExtensions,
    fingerprint: createHash("sha256").update(der).digest("hex"),
  };
}

function parseVersion(tbs: DerReader): Certificate["version"] {
  const tagged = tbs.optional(context(0, "constructed"), "the version");
  if (!tagged) return 1;
  const reader = new DerReader(tagged.content);
  const version = smallInteger(reader.read(TAG.integer, "the version").content, "the version");
  reader.end("the version");
  if (version > 2) throw new DerError(`it is of version ${version + 1}, expected 3`);
  return version + 1 as Certificate["version"];
}

function parsePublicKeyInfo(tbs: DerReader): SubjectPublicKeyInfo {
  const what = "the public key";
  const { content, whole } = tbs.read(TAG.sequence, what);
  const reader = new DerReader(content);
  const algorithm = parseAlgorithm(reader, what);
  const key = octets(reader.read(TAG.bitString, what).content, what);
  reader.end(what);
  return { der: whole, algorithm, key };
}
