/** A timestamp authority: the real `openssl ts`. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TimestampAuthority, TimestampResult } from "../../../plugins/_rfc3161/mod.ts";
import type { CertificateSpec, Issued, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";

/** Extensions of a certificate that signs timestamps (RFC 3161 2.3). */
export const TSA_EXTENSIONS: readonly string[] = [
  "keyUsage=critical,digitalSignature",
  "extendedKeyUsage=critical,timeStamping",
  "subjectKeyIdentifier=hash",
  "authorityKeyIdentifier=keyid",
];

/** How the authority answers. */
export type TsaSpec = {
  /** Certificates that go along with the authority's own. */
  readonly chain?: readonly Issued[];
  /** Digits of the fraction of a second; at most 6. */
  readonly digits?: number;
  /** Digest of the signature. */
  readonly digest?: "sha256" | "sha384" | "sha512";
  /** SHA-1 makes the first version of the signing certificate attribute. */
  readonly idDigest?: "sha1" | "sha256" | "sha384" | "sha512";
  /** Identify the chain in that attribute, too. */
  readonly idChain?: boolean;
  /** Digests of imprints that are taken. */
  readonly accepts?: string;
};

/** What a request asks for. */
export type QuerySpec = {
  readonly digest?: "sha256" | "sha384" | "sha512" | "sha1";
  /** Whether the certificates are wanted. Default true. */
  readonly certificate?: boolean;
  readonly nonce?: boolean;
};

/** Issues a certificate for timestamps. */
export function tsaCertificate(pki: Pki, issuer: Issued, spec: CertificateSpec = {}): Issued {
  return pki.leaf(issuer, { subject: "/O=Example/CN=tsa", extensions: TSA_EXTENSIONS, ...spec });
}

/** An authority as it is trusted: by its certificates, the anchor last. */
export function trusted(...chain: readonly (Issued | string)[]): TimestampAuthority {
  const certificates = chain.map(load);
  return {
    name: "the test authority",
    anchor: certificates.at(-1)!,
    others: certificates.slice(0, -1),
  };
}

/** The authority's answer (TimeStampResp) to a request. */
export function reply(pki: Pki, signer: Issued, query: Uint8Array, spec: TsaSpec = {}): Uint8Array {
  const { chain = [], digits = 0, digest = "sha256", idDigest = "sha256" } = spec;
  const config = pki.file(
    "tsa.cnf",
    [
      "[tsa]",
      "default_tsa = authority",
      "[authority]",
      `serial = ${pki.file("serial", "0F")}`,
      "crypto_device = builtin",
      `signer_cert = ${signer.certificate}`,
      `signer_key = ${signer.key}`,
      ...(chain.length > 0
        ? [`certs = ${pki.bundle(...chain.map(({ certificate }) => certificate))}`]
        : []),
      `signer_digest = ${digest}`,
      "default_policy = 1.2.3.4.1",
      `digests = ${spec.accepts ?? "sha256, sha384, sha512"}`,
      "accuracy = secs:1, millisecs:500, microsecs:100",
      `clock_precision_digits = ${digits}`,
      "ordering = yes",
      "tsa_name = yes",
      `ess_cert_id_chain = ${spec.idChain ? "yes" : "no"}`,
      `ess_cert_id_alg = ${idDigest}`,
    ].join("\n"),
  );
  const response = pki.file("response.tsr", "");
  const asked = pki.file("query.tsq", query);
  pki.openssl(["ts", "-reply", "-config", config, "-queryfile", asked, "-out", response]);
  return new Uint8Array(readFileSync(response));
}

/** A request for a timestamp over bytes. */
export function query(pki: Pki, imprinted: Uint8Array, spec: QuerySpec = {}): Uint8Array {
  const path = pki.file("query.tsq", "");
  pki.openssl([
    ...["ts", "-query", "-data", pki.file("data", imprinted), "-out", path],
    `-${spec.digest ?? "sha256"}`,
    ...(spec.certificate === false ? [] : ["-cert"]),
    ...(spec.nonce === false ? ["-no_nonce"] : []),
  ]);
  return new Uint8Array(readFileSync(path));
}

/** A timestamp over bytes. */
export function stamp(
  pki: Pki,
  signer: Issued,
  imprinted: Uint8Array,
  spec: TsaSpec & { readonly asked?: QuerySpec } = {},
): Uint8Array {
  return reply(pki, signer, query(pki, imprinted, spec.asked), spec);
}

/** Whether `openssl ts -verify` accepts a response, or a token alone. */
export function opensslAccepts(
  pki: Pki,
  response: Uint8Array,
  imprinted: Uint8Array,
  anchor: Issued,
  untrusted: readonly Issued[] = [],
  form: "response" | "token" = "response",
): boolean {
  return pki.accepts([
    ...["ts", "-verify", "-in", pki.file("response.tsr", response)],
    ...(form === "token" ? ["-token_in"] : []),
    ...["-data", pki.file("data", imprinted), "-CAfile", anchor.certificate],
    ...(untrusted.length > 0
      ? ["-untrusted", pki.bundle(...untrusted.map(({ certificate }) => certificate))]
      : []),
  ]);
}

/** The token in a response, cut out by `openssl`. */
export function tokenOf(pki: Pki, response: Uint8Array): Uint8Array {
  const out = join(pki.directory, "token.der");
  const path = pki.file("response.tsr", response);
  pki.openssl(["ts", "-reply", "-in", path, "-token_out", "-out", out]);
  return new Uint8Array(readFileSync(out));
}

/** `ok`, `foreign`, or the code of the finding. */
export function outcome(result: TimestampResult): string {
  return result.ok ? "ok" : result.foreign ? "foreign" : result.issue.code;
}
