/** Signers, certificates and timestamps, for people and as JSON. */

import type { CertificateInfo, Identity, Timestamp } from "../../core/mod.ts";
import type { Line } from "./page.ts";

type KeyIdentity = Extract<Identity, { keyHint: string }>;
type CertificateIdentity = Extract<Identity, { certificate: CertificateInfo }>;

const SOURCES: Readonly<Record<Timestamp["source"], string>> = {
  rfc3161: "timestamp of",
  "transparency-log": "entry of the log",
};

/** Lines that tell who signed. */
export function identityLines(identity: Identity): readonly Line[] {
  if (isKey(identity)) {
    return [`key ${identity.algorithm}`, `key hint ${identity.keyHint}`];
  }
  if (isCertificate(identity)) {
    const { certificate, anchor } = identity;
    return [
      ...certificateLines(certificate),
      `trust anchor ${anchor.subject}`,
      `anchor SHA-256 ${anchor.fingerprint}`,
    ];
  }
  const { name, issuer, fields = {} } = identity as Extract<Identity, { name: string }>;
  return [
    ["identity", name],
    ...(issuer === undefined ? [] : [["issuer", issuer] as const]),
    ...Object.entries(fields),
  ];
}

/** What a certificate says. */
export function certificateLines(certificate: CertificateInfo): readonly string[] {
  return [
    // Certificates that are made for one signature name their holder elsewhere only.
    ...(certificate.subject === "" ? [] : [`subject ${certificate.subject}`]),
    ...certificate.subjectAlternativeNames.map((name) => `also known as ${name}`),
    `issuer ${certificate.issuer}`,
    `serial ${certificate.serial}`,
    `valid ${certificate.notBefore} to ${certificate.notAfter}`,
    `${certificate.publicKey}, SHA-256 ${certificate.fingerprint}`,
  ];
}

/** When the signature was made, as far as somebody other than the signer vouches for it. */
export function timestampLines(timestamps: readonly Timestamp[]): readonly string[] {
  return timestamps.length === 0
    ? ["no trusted timestamp"]
    : timestamps.map(({ time, source, authority }) => `${time}, ${SOURCES[source]} ${authority}`);
}

function isKey(identity: Identity): identity is KeyIdentity {
  return "keyHint" in identity;
}

function isCertificate(identity: Identity): identity is CertificateIdentity {
  return "certificate" in identity;
}
