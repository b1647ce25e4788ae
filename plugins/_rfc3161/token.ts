/** Timestamp tokens: CMS signed data around a TSTInfo (RFC 3161 2.4.2, RFC 5652). */

import { type Parsed, parsed, Refusal } from "../../core/errors.ts";
import {
  context,
  DerError,
  DerReader,
  type Element,
  oid,
  readOnly,
  smallInteger,
  TAG,
} from "../_der/mod.ts";
import {
  type AlgorithmIdentifier,
  type Certificate,
  parseAlgorithm,
  parseCertificate,
} from "../_x509/mod.ts";
import { MAX_TOKEN_CERTIFICATES } from "./limits.ts";
import { readStored } from "./response.ts";
import { readSignerInfo, type SignerInfo } from "./signer_info.ts";
import { readTstInfo, type TstInfo } from "./tst_info.ts";

/** A token. Nothing in it is verified. */
export type Token = {
  readonly info: TstInfo;
  /** DER of `info`: what the signer's digest is made over. */
  readonly content: Uint8Array;
  /** What the token brings along, in its order. */
  readonly certificates: readonly Certificate[];
  readonly digestAlgorithms: readonly AlgorithmIdentifier[];
  readonly signer: SignerInfo;
};

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";

/**
 * Parses a stored timestamp: an authority's response, or the token alone. Never throws for what is in it.
 * Finding: `TIMESTAMP_MALFORMED`.
 */
export function parseTimestamp(bytes: Uint8Array): Parsed<Token> {
  return parsed(() => {
    try {
      const response = readStored(bytes);
      if (response.token) return readToken(response.token);
      throw new DerError(`it is a refusal: the authority answered ${response.refusal}`);
    } catch (error) {
      if (!(error instanceof DerError)) throw error;
      throw new Refusal("TIMESTAMP_MALFORMED", `a timestamp is malformed: ${error.message}`);
    }
  });
}

/** Reads a token. Throws DerError. */
export function readToken(der: Uint8Array): Token {
  const frame = readOnly(der, TAG.sequence, "the token");
  expectType(frame, SIGNED_DATA, "signed data");
  const tagged = frame.enter(context(0, "constructed"), "the token");
  frame.end("the token");
  const reader = tagged.enter(TAG.sequence, "the signed data");
  tagged.end("the token");
  const version = smallInteger(reader.read(TAG.integer, "the version").content, "the version");
  // RFC 5652 5.1: 3 for content that is not "data", with certificates of X.509 only.
  if (version !== 3) throw new DerError(`its signed data is of version ${version}, expected 3`);
  const digestAlgorithms = readAll(
    reader.enter(TAG.set, "the digest algorithms"),
    (list) => parseAlgorithm(list, "a digest algorithm"),
  );
  const content = readContent(reader);
  const certificates = reader.optional(context(0, "constructed"), "the certificates");
  // Nothing is asked of revocation lists that the token's maker chose.
  reader.optional(context(1, "constructed"), "the revocation lists");
  const signers = reader.enter(TAG.set, "the signers");
  reader.end("the signed data");
  const signer = signers.read(TAG.sequence, "the signer");
  // RFC 3161 2.4.2: no other signature than the authority's.
  signers.end("the list of its one signer");
  return {
    info: readTstInfo(content),
    content,
    certificates: certificates ? readCertificates(certificates) : [],
    digestAlgorithms,
    signer: readSignerInfo(signer, TST_INFO),
  };
}

function readContent(reader: DerReader): Uint8Array {
  const encapsulated = reader.enter(TAG.sequence, "the content");
  expectType(encapsulated, TST_INFO, "a timestamp");
  const tagged = encapsulated.enter(context(0, "constructed"), "the content");
  encapsulated.end("the content");
  const { content } = tagged.read(TAG.octetString, "the content");
  tagged.end("the content");
  return content;
}

function readCertificates({ content }: Element): readonly Certificate[] {
  const certificates = readAll(
    new DerReader(content),
    (list) => list.read(TAG.sequence, "a certificate").whole,
  );
  if (certificates.length > MAX_TOKEN_CERTIFICATES) {
    throw new DerError(
      `it has ${certificates.length} certificates, more than the limit of ${MAX_TOKEN_CERTIFICATES}`,
    );
  }
  return certificates.map((der, index) => {
    const result = parseCertificate(der);
    if (result.ok) return result.value;
    throw new DerError(`certificate ${index + 1} in it: ${result.issue.message}`);
  });
}

function expectType(reader: DerReader, wanted: string, name: string): void {
  const found = oid(reader.read(TAG.oid, "the content type").content);
  if (found !== wanted) throw new DerError(`it holds content of type ${found}, expected ${name}`);
}

function readAll<T>(reader: DerReader, read: (reader: DerReader) => T): readonly T[] {
  const items: T[] = [];
  while (!reader.done) items.push(read(reader));
  return items;
}
