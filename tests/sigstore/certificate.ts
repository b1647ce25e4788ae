/** Certificates (RFC 5280 4.1), built from their parts. */

import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import {
  context,
  encode,
  encodeBoolean,
  encodeInteger,
  encodeOid,
  encodeSequence,
  octets,
  sequence,
  TAG,
} from "../../plugins/_der/mod.ts";
import { type Key, type KeyKind, newKey, signWith } from "./keys.ts";

/** A certification authority. */
export type Authority = {
  readonly key: Key;
  /** Its Name, DER. */
  readonly name: Uint8Array;
  /** Its certificate, DER. */
  readonly certificate: Uint8Array;
};

/** What a certificate says. */
export type CertificateFields = {
  /** Name, DER. */
  readonly subject: Uint8Array;
  readonly spki: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Each from {@link extension}. */
  readonly extensions: readonly Uint8Array[];
};

/** Extended key usages (RFC 5280 4.2.1.12). */
export const USAGE = {
  codeSigning: "1.3.6.1.5.5.7.3.3",
  timeStamping: "1.3.6.1.5.5.7.3.8",
} as const;

/** An empty Name: the subject is in the alternative name. */
export const NO_NAME: Uint8Array = encodeSequence();

const DAY = 24 * 60 * 60 * 1000;

/** Validity of authorities: since yesterday, for ten years. */
export const AUTHORITY_START: Date = new Date(Math.floor(Date.now() / 1000) * 1000 - DAY);
const AUTHORITY_END = new Date(AUTHORITY_START.getTime() + 3650 * DAY);

/** Makes a root authority. */
export function rootAuthority(commonName: string, kind: KeyKind): Authority {
  const key = newKey(kind);
  const name = nameOf(commonName);
  return { key, name, certificate: authorityCertificate(key, name, { key, name }, 1) };
}

/** Makes an authority that issues leaf certificates below a root. */
export function intermediateAuthority(
  root: Authority,
  commonName: string,
  kind: KeyKind,
): Authority {
  const key = newKey(kind);
  const name = nameOf(commonName);
  return { key, name, certificate: authorityCertificate(key, name, root, 0) };
}

/** Makes a certificate that is valid as long as an authority and is used for one thing only. */
export function serviceCertificate(
  issuer: Authority,
  commonName: string,
  spki: Uint8Array,
  usage: string,
): Uint8Array {
  const tbs = tbsCertificate({
    subject: nameOf(commonName),
    spki,
    notBefore: AUTHORITY_START,
    notAfter: AUTHORITY_END,
    extensions: [
      digitalSignature(),
      // RFC 3161 2.3: critical, and the only one.
      extendedKeyUsage(usage, "critical"),
      ...keyIdentifiers(spki, issuer),
    ],
  }, issuer);
  return signCertificate(tbs, issuer);
}

/** The part of a certificate that is signed. */
export function tbsCertificate(
  fields: CertificateFields,
  issuer: Pick<Authority, "key" | "name">,
  serial: Uint8Array = newSerial(),
): Uint8Array {
  return encodeSequence(
    encode(context(0, "constructed"), encodeInteger(2)),
    encodeInteger(serial),
    signatureAlgorithm(issuer.key.kind),
    issuer.name,
    encodeSequence(encodeTime(fields.notBefore), encodeTime(fields.notAfter)),
    fields.subject,
    fields.spki,
    encode(context(3, "constructed"), encodeSequence(...fields.extensions)),
  );
}

/** Signs what {@link tbsCertificate} made. */
export function signCertificate(tbs: Uint8Array, issuer: Pick<Authority, "key">): Uint8Array {
  const { key } = issuer;
  return encodeSequence(tbs, signatureAlgorithm(key.kind), bitString(signWith(key, tbs)));
}

/** A serial number of 19 bytes: positive, and within RFC 5280's 20. */
export function newSerial(): Uint8Array {
  return Buffer.concat([Buffer.of(1), randomBytes(18)]);
}

/** An extension with its value, DER. */
export function extension(
  id: string,
  value: Uint8Array,
  criticality: "critical" | "not critical" = "not critical",
): Uint8Array {
  return encodeSequence(
    encodeOid(id),
    // X.690 11.5: a default value is not encoded.
    ...(criticality === "critical" ? [encodeBoolean(true)] : []),
    encode(TAG.octetString, value),
  );
}

/** Key usage: signatures over data only. */
export function digitalSignature(): Uint8Array {
  return extension("2.5.29.15", encode(TAG.bitString, Buffer.of(7, 0x80)), "critical");
}

/** One extended key usage. */
export function extendedKeyUsage(
  usage: string,
  criticality: "critical" | "not critical",
): Uint8Array {
  return extension("2.5.29.37", encodeSequence(encodeOid(usage)), criticality);
}

/** Subject and authority key identifiers. */
export function keyIdentifiers(
  spki: Uint8Array,
  issuer: Pick<Authority, "key">,
): readonly Uint8Array[] {
  const authority = encode(context(0, "primitive"), keyIdentifier(issuer.key.spki));
  return [
    extension("2.5.29.14", encode(TAG.octetString, keyIdentifier(spki))),
    extension("2.5.29.35", encodeSequence(authority)),
  ];
}

function authorityCertificate(
  key: Key,
  subject: Uint8Array,
  issuer: Pick<Authority, "key" | "name">,
  pathLength: number,
): Uint8Array {
  const certSignAndCrlSign = Buffer.of(1, 0x06);
  const tbs = tbsCertificate({
    subject,
    spki: key.spki,
    notBefore: AUTHORITY_START,
    notAfter: AUTHORITY_END,
    extensions: [
      extension("2.5.29.15", encode(TAG.bitString, certSignAndCrlSign), "critical"),
      extension(
        "2.5.29.19",
        encodeSequence(encodeBoolean(true), encodeInteger(pathLength)),
        "critical",
      ),
      ...keyIdentifiers(key.spki, issuer),
    ],
  }, issuer);
  return signCertificate(tbs, issuer);
}

function nameOf(commonName: string): Uint8Array {
  return encodeSequence(
    attribute("2.5.4.10", "Loopback Sigstore for tests"),
    attribute("2.5.4.3", commonName),
  );
}

function attribute(id: string, value: string): Uint8Array {
  return encode(
    TAG.set,
    encodeSequence(encodeOid(id), encode(TAG.utf8String, Buffer.from(value, "utf8"))),
  );
}

function signatureAlgorithm(kind: KeyKind): Uint8Array {
  // RFC 5758 3.2 and RFC 8410 3: no parameters.
  const ids = {
    "P-256": "1.2.840.10045.4.3.2",
    "P-384": "1.2.840.10045.4.3.3",
    "Ed25519": "1.3.101.112",
  };
  return encodeSequence(encodeOid(ids[kind]));
}

/** RFC 5280 4.1.2.5: UTCTime until 2049. */
function encodeTime(date: Date): Uint8Array {
  const digits = date.toISOString().replace(/[-:T]|\.\d+/g, "");
  return date.getUTCFullYear() < 2050
    ? encode(TAG.utcTime, Buffer.from(digits.slice(2), "latin1"))
    : encode(TAG.generalizedTime, Buffer.from(digits, "latin1"));
}

/** RFC 5280 4.2.1.2, method 1: SHA-1 of the key's BIT STRING. */
function keyIdentifier(spki: Uint8Array): Uint8Array {
  const key = sequence(spki)?.[1];
  if (!key) throw new Error("not a SubjectPublicKeyInfo");
  return createHash("sha1").update(octets(key.content, "the key")).digest();
}

function bitString(bytes: Uint8Array): Uint8Array {
  return encode(TAG.bitString, Buffer.of(0), bytes);
}
