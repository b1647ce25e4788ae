/** Signers, certificates and timestamps, for people and as JSON. */

import type { CertificateInfo, Identity, Timestamp } from "../../core/mod.ts";
import type { Line } from "./page.ts";

const SOURCES: Readonly<Record<Timestamp["source"], string>> = {
  rfc3161: "timestamp of",
  "transparency-log": "entry of the log",
};

/** Lines that tell who signed. */
export function identityLines(identity: Identity): readonly Line[] {
  switch (identity.kind) {
    case "key":
      return [`key ${identity.algorithm}`, `key hint ${identity.keyHint}`];
    case "certificate": {
      const { certificate, anchor } = identity;
      return [
        ...certificateLines(certificate),
        `trust anchor ${anchor.subject}`,
        `anchor SHA-256 ${anchor.fingerprint}`,
      ];
    }
    case "named": {
      const { name, issuer, fields = {} } = identity;
      return [
        ["identity", name],
        ...(issuer === undefined ? [] : [["issuer", issuer] as const]),
        ...Object.entries(fields),
      ];
    }
  }
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
