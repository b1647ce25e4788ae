/** The chain of a certificate that signs. */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import { keyAlgorithm, publicKeyDer } from "../../core/keys.ts";
import { MAX_CHAIN_LENGTH } from "../../core/limits.ts";
import { quote } from "../../core/text.ts";
import { type FileContent, named } from "../_input/mod.ts";
import {
  type Certificate,
  certificateKey,
  certificateName,
  findPath,
  PURPOSE,
  readCertificates,
  verifySigned,
} from "../_x509/mod.ts";
import { leafKey, usageIssue } from "./leaf.ts";

/** What {@link signingChain} puts together. */
export type SigningChainOptions = {
  /** The key that signs, or its public half. */
  readonly key: KeyObject;
  /** The certificate of the key, PEM or DER. CA certificates beside it in a PEM file join the chain. */
  readonly certificate: FileContent;
  /** The CAs above it, PEM or DER, in any order, with or without the root. */
  readonly chain?: readonly FileContent[];
};

/**
 * The certificate of a key and those above it, DER, leaf first.
 *
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`; `KEY_CERTIFICATE_MISMATCH` when the certificate is
 * another key's; `CERTIFICATE_CHAIN_BROKEN` when a certificate of the chain does not belong to it;
 * `CERTIFICATE_UNSUITABLE` when no verifier would accept the certificate today
 */
export async function signingChain(
  options: SigningChainOptions,
): Promise<readonly [Uint8Array, ...Uint8Array[]]> {
  const { key, chain = [] } = options;
  const certificate = named(options.certificate, "signing certificate", 0);
  const publicKey = publicKeyDer(key);
  const own = readCertificates(certificate.bytes, certificate.name);
  const leaf = own.find((candidate) => belongsTo(candidate, publicKey));
  if (!leaf) throw mismatch(own[0]!, key, certificate.name);
  const others = [
    ...own,
    ...chain.flatMap((content, index) => {
      const { bytes, name } = named(content, "certificate chain", index);
      return readCertificates(bytes, name);
    }),
  ];
  const ordered = await orderChain(leaf, others);
  await checkSuitable(leaf, ordered, new Date());
  const [first, ...rest] = ordered.map(({ der }) => der);
  return [first!, ...rest];
}

function belongsTo(certificate: Certificate, publicKey: Uint8Array): boolean {
  const found = certificateKey(certificate.publicKeyInfo);
  return "key" in found && Buffer.from(publicKey).equals(publicKeyDer(found.key));
}

function mismatch(
  certificate: Certificate,
  signingKey: KeyObject,
  name: string,
): ModelSigningError {
  const refused = leafKey(certificate);
  if ("issue" in refused) {
    return new ModelSigningError("CERTIFICATE_UNSUITABLE", refused.issue.message, {
      issues: [refused.issue],
    });
  }
  const key = keyAlgorithm(signingKey);
  const own = "algorithm" in key ? key.algorithm.name : key.refused;
  const types = refused.name === own ? "" : `: ${refused.name}, the private key is ${own}`;
  return new ModelSigningError(
    "KEY_CERTIFICATE_MISMATCH",
    `certificate ${certificateName(certificate)} in ${
      quote(name)
    } does not belong to the private ` +
      `key, but to another${types}`,
  );
}

/** The certificates from the leaf upwards, each signed by the next. Every one must find its place. */
async function orderChain(
  leaf: Certificate,
  others: readonly Certificate[],
): Promise<readonly Certificate[]> {
  const rest = new Map(others.map((certificate) => [certificate.fingerprint, certificate]));
  rest.delete(leaf.fingerprint);
  if (rest.size >= MAX_CHAIN_LENGTH) {
    throw new ModelSigningError(
      "CERTIFICATE_CHAIN_BROKEN",
      `the chain has ${rest.size + 1} certificates, more than the limit of ${MAX_CHAIN_LENGTH}`,
    );
  }
  const ordered = [leaf];
  for (let last = leaf; rest.size > 0;) {
    const issuer = await findIssuer(last, rest.values());
    if (!issuer) throw broken(last, rest.values());
    rest.delete(issuer.fingerprint);
    ordered.push(issuer);
    last = issuer;
  }
  return ordered;
}

async function findIssuer(
  subject: Certificate,
  candidates: Iterable<Certificate>,
): Promise<Certificate | undefined> {
  for (const candidate of candidates) {
    if (
      candidate.subjectKey === subject.issuerKey &&
      await verifySigned(subject, certificateKey(candidate.publicKeyInfo))
    ) return candidate;
  }
  return undefined;
}

function broken(last: Certificate, rest: Iterable<Certificate>): ModelSigningError {
  const names = [...rest].map(certificateName).join(", ");
  return new ModelSigningError(
    "CERTIFICATE_CHAIN_BROKEN",
    `none of these issued ${certificateName(last)}: ${names}`,
    { hint: "give the CAs that lead from the certificate to the root, and no others" },
  );
}

/** Judges the certificate and its chain as a verifier would that trusts the top of the chain. */
async function checkSuitable(
  leaf: Certificate,
  chain: readonly Certificate[],
  now: Date,
): Promise<void> {
  const key = leafKey(leaf);
  const usage = usageIssue(leaf);
  const material = { anchors: chain.slice(-1), intermediates: chain.slice(1, -1) };
  const found = await findPath(leaf, material, { at: now, purpose: PURPOSE.codeSigning });
  const chainIssue = found.path ? found.outOfDate : found.issue;
  const issues = [
    ...("issue" in key ? [key.issue] : []),
    ...(usage ? [usage] : []),
    ...(chainIssue ? [chainIssue] : []),
  ];
  if (issues.length === 0) return;
  throw new ModelSigningError(
    "CERTIFICATE_UNSUITABLE",
    `cannot sign with certificate ${certificateName(leaf)}: no verifier would accept it`,
    { issues },
  );
}
