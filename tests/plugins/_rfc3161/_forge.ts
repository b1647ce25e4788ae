/** Timestamps that no proper authority would issue, made element by element. */

import { Buffer } from "node:buffer";
import { constants, createHash, createPrivateKey, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import {
  DerReader,
  encode,
  encodeInteger,
  encodeOid,
  encodeSequence,
  readOnly,
  TAG,
} from "../../../plugins/_der/mod.ts";
import { derOf, type Issued } from "../../support/pki.ts";

/** Digests by name. */
export type Digest = "sha1" | "sha256" | "sha384" | "sha512";

/** Object identifiers that tests put in. */
export const OID = {
  sha1: "1.3.14.3.2.26",
  sha256: "2.16.840.1.101.3.4.2.1",
  sha384: "2.16.840.1.101.3.4.2.2",
  sha512: "2.16.840.1.101.3.4.2.3",
  rsa: "1.2.840.113549.1.1.1",
  rsaPss: "1.2.840.113549.1.1.10",
  mgf1: "1.2.840.113549.1.1.8",
  rsaSha1: "1.2.840.113549.1.1.5",
  rsaSha256: "1.2.840.113549.1.1.11",
  ecSha1: "1.2.840.10045.4.1",
  ecSha256: "1.2.840.10045.4.3.2",
  ecSha384: "1.2.840.10045.4.3.3",
  ecSha512: "1.2.840.10045.4.3.4",
  ed25519: "1.3.101.112",
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingTime: "1.2.840.113549.1.9.5",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
} as const;

/** The elements of a token by name. All have a default that makes a good token. */
export type Parts = {
  // TSTInfo.
  readonly tstVersion: Uint8Array;
  readonly imprint: Uint8Array;
  readonly serial: Uint8Array;
  readonly time: Uint8Array;
  /** What follows the time. */
  readonly extras: readonly Uint8Array[];
  // SignerInfo.
  readonly signerVersion: Uint8Array;
  readonly id: Uint8Array;
  /** Digest of the content, and of the signature. */
  readonly digest: Digest;
  readonly digestAlgorithm: Uint8Array;
  readonly certificateIds: readonly Uint8Array[];
  readonly attributes: readonly Uint8Array[];
  readonly signatureAlgorithm: Uint8Array;
  /** Made over the attributes as a SET OF. */
  readonly signature: (signed: Uint8Array) => Uint8Array;
  // SignedData.
  readonly version: Uint8Array;
  readonly digestAlgorithms: readonly Uint8Array[];
  readonly contentType: Uint8Array;
  /** The TSTInfo that stands in the token, which need not be the one that is signed. */
  readonly content: Uint8Array;
  readonly certificates: readonly Uint8Array[];
  readonly signers: (signer: Uint8Array) => readonly Uint8Array[];
};

/** A token over `imprinted`, with some parts exchanged. */
export function forge(
  signer: Issued,
  imprinted: Uint8Array,
  parts: Partial<Parts> = {},
): Uint8Array {
  const digest = parts.digest ?? "sha256";
  const info = encodeSequence(
    parts.tstVersion ?? encodeInteger(1),
    encodeOid("1.2.3.4.1"),
    parts.imprint ?? imprintOf(imprinted),
    parts.serial ?? encodeInteger(7),
    parts.time ?? generalizedTime(utcText(new Date())),
    ...(parts.extras ?? []),
  );
  const attributes = parts.attributes ?? [
    attribute(OID.contentType, encodeOid(OID.tstInfo)),
    attribute(OID.messageDigest, octetString(hash(digest, info))),
    ...(parts.certificateIds ?? [certificateIdV2(signer)]),
  ];
  const signed = encode(TAG.set, ...[...attributes].sort(Buffer.compare));
  const digestAlgorithm = parts.digestAlgorithm ?? algorithm(OID[digest], NULL);
  const signerInfo = encodeSequence(
    parts.signerVersion ?? encodeInteger(1),
    parts.id ?? issuerAndSerial(signer),
    digestAlgorithm,
    retagged(0xa0, signed),
    parts.signatureAlgorithm ?? algorithm(defaultAlgorithm(signer, digest)),
    octetString((parts.signature ?? signWith(signer, digest))(signed)),
  );
  return tokenAround(
    encodeSequence(
      parts.version ?? encodeInteger(3),
      encode(TAG.set, ...(parts.digestAlgorithms ?? [digestAlgorithm])),
      encodeSequence(
        parts.contentType ?? encodeOid(OID.tstInfo),
        encode(0xa0, octetString(parts.content ?? info)),
      ),
      encode(0xa0, ...(parts.certificates ?? [derOf(signer.certificate)])),
      encode(TAG.set, ...(parts.signers?.(signerInfo) ?? [signerInfo])),
    ),
  );
}

/** A ContentInfo. */
function tokenAround(signedData: Uint8Array): Uint8Array {
  return encodeSequence(encodeOid(OID.signedData), encode(0xa0, signedData));
}

/** A TimeStampResp. */
export function responseOf(status: Uint8Array, ...token: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(status, ...token);
}

/** A PKIStatusInfo. */
export function statusOf(status: number, ...more: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeInteger(status), ...more);
}

/** `openssl`-like time: `YYYYMMDDHHMMSSZ`. */
export function utcText(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+/g, "");
}

/** The nonce of a request. */
export function nonceOf(query: Uint8Array): Uint8Array {
  const reader = readOnly(query, TAG.sequence, "it");
  reader.read(TAG.integer, "the version");
  reader.read(TAG.sequence, "the imprint");
  return reader.read(TAG.integer, "the nonce").whole;
}

/** GeneralizedTime. */
export function generalizedTime(text: string): Uint8Array {
  return encode(TAG.generalizedTime, Buffer.from(text));
}

/** MessageImprint. */
export function imprintOf(imprinted: Uint8Array, digest: Digest = "sha256"): Uint8Array {
  return encodeSequence(algorithm(OID[digest], NULL), octetString(hash(digest, imprinted)));
}

/** NULL. */
export const NULL: Uint8Array = encode(TAG.null);

/** AlgorithmIdentifier. */
export function algorithm(id: string, ...parameters: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeOid(id), ...parameters);
}

/** An attribute with one value, or several. */
export function attribute(type: string, ...values: readonly Uint8Array[]): Uint8Array {
  return encodeSequence(encodeOid(type), encode(TAG.set, ...values));
}

/** OCTET STRING. */
export function octetString(content: Uint8Array): Uint8Array {
  return encode(TAG.octetString, content);
}

/** The attribute of RFC 2634: by SHA-1. */
export function certificateIdV1(of: Issued, ...more: readonly Uint8Array[]): Uint8Array {
  const id = encodeSequence(octetString(hash("sha1", derOf(of.certificate))), ...more);
  return attribute(OID.signingCertificate, encodeSequence(encodeSequence(id)));
}

/** The attribute of RFC 5035; without a digest by SHA-256, which then stands nowhere. */
export function certificateIdV2(
  of: Issued,
  digest?: Digest,
  ...more: readonly Uint8Array[]
): Uint8Array {
  const id = encodeSequence(
    ...(digest ? [algorithm(OID[digest])] : []),
    octetString(hash(digest ?? "sha256", derOf(of.certificate))),
    ...more,
  );
  return attribute(OID.signingCertificateV2, encodeSequence(encodeSequence(id)));
}

/** IssuerSerial of RFC 5035. */
export function issuerSerial(of: Issued): Uint8Array {
  const { issuer, serial } = fieldsOf(of);
  return encodeSequence(encodeSequence(encode(0xa4, issuer)), serial);
}

/** IssuerAndSerialNumber. */
export function issuerAndSerial(of: Issued): Uint8Array {
  const { issuer, serial } = fieldsOf(of);
  return encodeSequence(issuer, serial);
}

/** The encodings of a certificate's serial number, issuer and subject. */
export function fieldsOf(
  of: Issued,
): { readonly serial: Uint8Array; readonly issuer: Uint8Array; readonly subject: Uint8Array } {
  const tbs = new DerReader(derOf(of.certificate)).enter(TAG.sequence, "it").enter(
    TAG.sequence,
    "it",
  );
  tbs.next("the version");
  const serial = tbs.next("the serial number").whole;
  tbs.next("the algorithm");
  const issuer = tbs.next("the issuer").whole;
  tbs.next("the validity");
  return { serial, issuer, subject: tbs.next("the subject").whole };
}

/** Signs with a key from a PEM file. Ed25519 hashes by itself. */
export function signWith(
  signer: Issued,
  digest: Digest,
): (bytes: Uint8Array) => Uint8Array {
  const key = createPrivateKey(readFileSync(signer.key));
  return (bytes) => sign(key.asymmetricKeyType === "ed25519" ? null : digest, bytes, key);
}

/** RSASSA-PSS with a salt as long as the digest. */
export function pssWith(signer: Issued, digest: Digest): Pick<
  Parts,
  "signatureAlgorithm" | "signature"
> {
  const key = createPrivateKey(readFileSync(signer.key));
  const padding = constants.RSA_PKCS1_PSS_PADDING;
  const saltLength = hash(digest, new Uint8Array()).length;
  return {
    signatureAlgorithm: algorithm(
      OID.rsaPss,
      encodeSequence(
        encode(0xa0, algorithm(OID[digest], NULL)),
        encode(0xa1, algorithm(OID.mgf1, algorithm(OID[digest], NULL))),
        encode(0xa2, encodeInteger(saltLength)),
      ),
    ),
    signature: (bytes) => sign(digest, bytes, { key, padding, saltLength }),
  };
}

/** The same content under another tag. */
export function retagged(tag: number, element: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(tag), element.subarray(1)]);
}

function hash(digest: Digest, bytes: Uint8Array): Uint8Array {
  return createHash(digest).update(bytes).digest();
}

function defaultAlgorithm(signer: Issued, digest: Digest): string {
  switch (createPrivateKey(readFileSync(signer.key)).asymmetricKeyType) {
    case "rsa":
      return OID.rsa;
    case "ed25519":
      return OID.ed25519;
    default:
      return {
        sha1: OID.ecSha1,
        sha256: OID.ecSha256,
        sha384: OID.ecSha384,
        sha512: OID.ecSha512,
      }[digest];
  }
}
