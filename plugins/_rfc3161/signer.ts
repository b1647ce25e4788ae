/** Finding the certificate of a token's signer, and checking the signature with it. */

import { createHash } from "node:crypto";
import type { Issue } from "../../core/errors.ts";
import {
  type Certificate,
  certificateKey,
  certificateName,
  EXTENSION,
  type GeneralName,
  generalNameText,
  KEY_USAGE,
  nameKey,
  PURPOSE,
  signatureScheme,
  verifySigned,
} from "../_x509/mod.ts";
import { ACCEPTED_DIGESTS, digestName, fullSignatureAlgorithm } from "./algorithms.ts";
import { identifies } from "./certificate_id.ts";
import { isNamedBy } from "./signer_info.ts";
import type { Token } from "./token.ts";

/**
 * The certificate that a token was signed with, not yet trusted, or what is wrong; undefined when none of the
 * candidates is the one that the signer names. Finding: `TIMESTAMP_UNTRUSTED`.
 */
export async function findSigner(
  token: Token,
  candidates: readonly Certificate[],
): Promise<{ readonly certificate: Certificate } | { readonly issue: Issue } | undefined> {
  const named = candidates.filter((candidate) => isNamedBy(token.signer.id, candidate));
  if (named.length === 0) return undefined;
  const { certificateIds } = token.signer;
  const certificate = named.find((candidate) =>
    certificateIds.every((id) => identifies(id, candidate))
  );
  if (!certificate) {
    const name = certificateName(named[0]!);
    return untrusted(`a timestamp calls certificate ${name} its signer's and identifies another`);
  }
  const problem = usageProblem(certificate) ?? nameProblem(token.info.authority, certificate) ??
    await signatureProblem(token, certificate);
  return problem === undefined ? { certificate } : untrusted(problem);
}

/** RFC 3161 2.3: the certificate is for timestamps, for nothing else, and says so critically. */
function usageProblem(certificate: Certificate): string | undefined {
  const { extendedKeyUsage, keyUsage, rawExtensions } = certificate;
  const name = `a timestamp is signed with certificate ${certificateName(certificate)}, `;
  if (extendedKeyUsage?.length !== 1 || extendedKeyUsage[0] !== PURPOSE.timeStamping) {
    return `${name}whose extended key usage is not timeStamping alone`;
  }
  if (!rawExtensions.some(({ id, critical }) => id === EXTENSION.extKeyUsage && critical)) {
    return `${name}whose extended key usage is not critical`;
  }
  const signs = keyUsage === undefined || keyUsage.has(KEY_USAGE.digitalSignature) ||
    keyUsage.has(KEY_USAGE.nonRepudiation);
  return signs ? undefined : `${name}whose key usage does not allow signatures`;
}

/** RFC 3161 2.4.2: the authority's name, if it is there, is one of those in the certificate. */
function nameProblem(
  name: GeneralName | undefined,
  certificate: Certificate,
): string | undefined {
  if (name === undefined) return undefined;
  const isSubject = name.kind === "directory" && nameKey(name.name) === certificate.subjectKey;
  const isAlternative = (certificate.subjectAltNames ?? []).some((known) =>
    known.kind === name.kind && generalNameText(known) === generalNameText(name)
  );
  if (isSubject || isAlternative) return undefined;
  return `the authority's name in a timestamp is none of certificate ${
    certificateName(certificate)
  }`;
}

async function signatureProblem(
  { content, digestAlgorithms, signer }: Token,
  certificate: Certificate,
): Promise<string | undefined> {
  const digest = digestName(signer.digestAlgorithm);
  if (digest === undefined) {
    return `the signer of a timestamp uses the digest ${signer.digestAlgorithm.id}, ` +
      `expected ${ACCEPTED_DIGESTS}`;
  }
  // RFC 5652 5.1: the list is there so that one pass over the content is enough.
  if (!digestAlgorithms.some((algorithm) => digestName(algorithm) === digest)) {
    return "the signer of a timestamp uses a digest that the token does not list";
  }
  if (!createHash(digest).update(content).digest().equals(signer.messageDigest)) {
    return "the content of a timestamp is not what its signer signed";
  }
  const algorithm = fullSignatureAlgorithm(signer.signatureAlgorithm, digest);
  const scheme = algorithm && signatureScheme(algorithm);
  if (!algorithm || !scheme || scheme.weak !== undefined) {
    return `a timestamp is signed with ${scheme?.weak ?? signer.signatureAlgorithm.id}, ` +
      `expected ECDSA or RSA with ${ACCEPTED_DIGESTS}, or Ed25519`;
  }
  const key = certificateKey(certificate.publicKeyInfo);
  if ("refused" in key) {
    return `certificate ${certificateName(certificate)} of a timestamp's signer has ${key.refused}`;
  }
  const { signature, signedAttributes: tbs } = signer;
  return await verifySigned({ tbs, algorithm, signature }, key)
    ? undefined
    : `the signature on a timestamp was not made with the key of ${certificateName(certificate)}`;
}

function untrusted(message: string): { readonly issue: Issue } {
  return { issue: { code: "TIMESTAMP_UNTRUSTED", message } };
}
