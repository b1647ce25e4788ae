/** The signed attribute that says which certificate the signer used (RFC 2634 5.4, RFC 5035). */

import { createHash } from "node:crypto";
import { hex } from "../../core/encoding.ts";
import { DerError, DerReader, type Element, integer, readOnly, TAG } from "../_der/mod.ts";
import {
  type AlgorithmIdentifier,
  type Certificate,
  type GeneralName,
  nameKey,
  parseAlgorithm,
  parseGeneralNames,
} from "../_x509/mod.ts";
import { digestName, SHA256 } from "./algorithms.ts";

/** An ESSCertID or ESSCertIDv2. */
export type CertificateId = {
  /** Absent in the first version, which knows SHA-1 only. */
  readonly algorithm?: AlgorithmIdentifier;
  readonly digest: Uint8Array;
  readonly issuer?: { readonly names: readonly GeneralName[]; readonly serial: string };
};

/**
 * Reads SigningCertificate (1) or SigningCertificateV2 (2) and gives the first identifier, which is the
 * signer's. Those behind it could only narrow a path that has to end at a trust anchor anyway. Throws DerError.
 */
export function readCertificateId(value: Element, version: 1 | 2): CertificateId {
  const what = "the signing certificate";
  const reader = readOnly(value.whole, TAG.sequence, what);
  const ids = reader.enter(TAG.sequence, what);
  const first = readId(ids, version);
  while (!ids.done) readId(ids, version);
  reader.optional(TAG.sequence, "the signing certificate's policies");
  reader.end(what);
  return first;
}

/**
 * Whether the identifier is that of the certificate. One by SHA-1 may be, too: it finds the certificate, and
 * what makes the certificate trusted is its path.
 */
export function identifies(id: CertificateId, certificate: Certificate): boolean {
  const { algorithm, digest, issuer } = id;
  const hash = algorithm === undefined ? "sha1" : digestName(algorithm);
  if (hash === undefined) return false;
  if (!createHash(hash).update(certificate.der).digest().equals(digest)) return false;
  return issuer === undefined || (
    issuer.serial === certificate.serial &&
    issuer.names.some((name) =>
      name.kind === "directory" && nameKey(name.name) === certificate.issuerKey
    )
  );
}

function readId(list: DerReader, version: 1 | 2): CertificateId {
  const what = "the signing certificate's identifier";
  const reader = list.enter(TAG.sequence, what);
  const algorithm = version === 1 ? undefined : readAlgorithm(reader);
  const digest = reader.read(TAG.octetString, what).content;
  const issuer = reader.optional(TAG.sequence, what);
  reader.end(what);
  return {
    ...(algorithm ? { algorithm } : {}),
    digest,
    ...(issuer ? { issuer: readIssuerSerial(issuer) } : {}),
  };
}

/** RFC 5035 4: SHA-256 unless it says another. */
function readAlgorithm(reader: DerReader): AlgorithmIdentifier {
  return reader.nextTag === TAG.sequence
    ? parseAlgorithm(reader, "the signing certificate's digest algorithm")
    : { id: SHA256 };
}

function readIssuerSerial({ content }: Element): NonNullable<CertificateId["issuer"]> {
  const what = "the signing certificate's issuer";
  const reader = new DerReader(content);
  const names = reader.enter(TAG.sequence, what);
  if (names.done) throw new DerError(`${what} is empty`);
  const parsed = parseGeneralNames(names);
  const serial = integer(reader.read(TAG.integer, what).content, what);
  reader.end(what);
  return { names: parsed, serial: hex(serial) };
}
