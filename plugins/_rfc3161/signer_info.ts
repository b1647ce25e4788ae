/** The one signature on a token (SignerInfo, RFC 5652 5.3). */

import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import {
  context,
  DerError,
  DerReader,
  type Element,
  integer,
  oid,
  readOnly,
  smallInteger,
  TAG,
} from "../_der/mod.ts";
import {
  type AlgorithmIdentifier,
  type Certificate,
  nameKey,
  parseAlgorithm,
  parseName,
} from "../_x509/mod.ts";
import { type CertificateId, readCertificateId } from "./certificate_id.ts";

/** Which certificate the signature is by. */
export type SignerIdentifier =
  | {
    /** The issuer's name in the form in which names are compared. */
    readonly issuerKey: string;
    /** Lowercase hex. */
    readonly serial: string;
  }
  | { readonly issuerKey?: undefined; readonly subjectKeyIdentifier: string };

/** The signer and the signature. */
export type SignerInfo = {
  readonly id: SignerIdentifier;
  readonly digestAlgorithm: AlgorithmIdentifier;
  /** DER of the attributes as the SET OF that is signed. */
  readonly signedAttributes: Uint8Array;
  /** Digest of the content. */
  readonly messageDigest: Uint8Array;
  /** What the signer says of its certificate; one of each version at most. */
  readonly certificateIds: readonly CertificateId[];
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Uint8Array;
};

/** Attributes that are understood. */
const ATTRIBUTE = {
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;

/** Reads a SignerInfo over content of a type. Throws DerError. */
export function readSignerInfo(signerInfo: Element, contentType: string): SignerInfo {
  const what = "the signer";
  const reader = readOnly(signerInfo.whole, TAG.sequence, what);
  const version = smallInteger(reader.read(TAG.integer, what).content, "the signer's version");
  const id = readIdentifier(reader, version);
  const digestAlgorithm = parseAlgorithm(reader, "the signer's digest algorithm");
  const attributes = reader.read(context(0, "constructed"), "the signed attributes");
  const signatureAlgorithm = parseAlgorithm(reader, "the signature algorithm");
  const signature = reader.read(TAG.octetString, "the signature").content;
  // Not covered by the signature, so nothing there can say anything.
  reader.optional(context(1, "constructed"), "the unsigned attributes");
  reader.end(what);
  return {
    id,
    digestAlgorithm,
    ...readAttributes(attributes, contentType),
    signatureAlgorithm,
    signature,
  };
}

/** Whether a certificate is the one that the signer names. */
export function isNamedBy(id: SignerIdentifier, certificate: Certificate): boolean {
  return id.issuerKey === undefined
    ? certificate.subjectKeyIdentifier === id.subjectKeyIdentifier
    : certificate.issuerKey === id.issuerKey && certificate.serial === id.serial;
}

/** RFC 5652 5.3: version 1 goes with the issuer and serial number, version 3 with the key identifier. */
function readIdentifier(reader: DerReader, version: number): SignerIdentifier {
  const what = "the signer's identifier";
  const key = reader.optional(context(0, "primitive"), what);
  if (version !== (key ? 3 : 1)) throw new DerError(`the signer is of version ${version}`);
  if (key) return { subjectKeyIdentifier: hex(key.content) };
  const inner = reader.enter(TAG.sequence, what);
  const issuer = parseName(inner.read(TAG.sequence, what));
  const serial = hex(integer(inner.read(TAG.integer, what).content, what));
  inner.end(what);
  return { issuerKey: nameKey(issuer), serial };
}

function readAttributes(
  { content, whole }: Element,
  contentType: string,
): Pick<SignerInfo, "signedAttributes" | "messageDigest" | "certificateIds"> {
  const values = new Map<string, Element>();
  const reader = new DerReader(content);
  while (!reader.done) {
    const { type, value } = readAttribute(reader);
    // RFC 5652 11: one instance, with one value.
    if (values.has(type)) throw new DerError(`it has the signed attribute ${type} twice`);
    values.set(type, value);
  }
  const type = values.get(ATTRIBUTE.contentType);
  if (type?.tag !== TAG.oid || oid(type.content) !== contentType) {
    throw new DerError("the signed attributes do not name the type of the content");
  }
  const digest = values.get(ATTRIBUTE.messageDigest);
  if (digest?.tag !== TAG.octetString) {
    throw new DerError("the signed attributes hold no digest of the content");
  }
  const first = values.get(ATTRIBUTE.signingCertificate);
  const second = values.get(ATTRIBUTE.signingCertificateV2);
  // RFC 3161 2.4.1 and RFC 5816 2.2.1: one of the two must be there.
  if (!first && !second) {
    throw new DerError("the signed attributes do not identify the signer's certificate");
  }
  return {
    // RFC 5652 5.4: signed with the tag of a SET OF instead of the one that stands there.
    signedAttributes: Buffer.concat([Buffer.of(TAG.set), whole.subarray(1)]),
    messageDigest: digest.content,
    certificateIds: [
      ...(first ? [readCertificateId(first, 1)] : []),
      ...(second ? [readCertificateId(second, 2)] : []),
    ],
  };
}

function readAttribute(reader: DerReader): { readonly type: string; readonly value: Element } {
  const what = "a signed attribute";
  const attribute = reader.enter(TAG.sequence, what);
  const type = oid(attribute.read(TAG.oid, what).content);
  const values = attribute.enter(TAG.set, what);
  const value = values.next(what);
  values.end(what);
  attribute.end(what);
  return { type, value };
}
