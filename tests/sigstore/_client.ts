/** What tests of the loopback Sigstore ask its services. */

import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import type { Loose } from "../support/bundles.ts";
import type { Sigstore, TokenClaims } from "../support/sigstore.ts";

/** A service's answer. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Loose;
};

/** Sends JSON and reads JSON. */
export async function post(url: string, body: unknown): Promise<Answer> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { status: response.status, headers: response.headers, json: await response.json() };
}

/** A key with Fulcio's answer to it. */
export type Certified = {
  readonly privateKey: KeyObject;
  readonly answer: Answer;
  /** PEM, leaf first; empty when it was refused. */
  readonly chain: readonly string[];
};

/** What is asked of Fulcio; what is right unless told otherwise. */
export type CertificateRequest = {
  readonly token?: string;
  readonly claims?: TokenClaims;
  /** What the proof of possession signs. */
  readonly challenge?: string;
  readonly curve?: string;
  /** Signs the proof. */
  readonly prover?: KeyObject;
};

/** Asks Fulcio for a certificate. */
export async function certified(
  sigstore: Sigstore,
  { token, claims, challenge = "dev@example.com", curve = "P-256", prover }: CertificateRequest =
    {},
): Promise<Certified> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: curve });
  const proof = sign("sha256", Buffer.from(challenge), prover ?? privateKey);
  const answer = await post(`${sigstore.url}/api/v2/signingCert`, {
    credentials: { oidcIdentityToken: token ?? await sigstore.token(claims) },
    publicKeyRequest: {
      publicKey: {
        algorithm: "ECDSA",
        content: publicKey.export({ type: "spki", format: "pem" }),
      },
      proofOfPossession: proof.toString("base64"),
    },
  });
  const chain = answer.json.signedCertificateEmbeddedSct?.chain.certificates ?? [];
  return { privateKey, answer, chain };
}

/** DER of a PEM certificate, in base64. */
export function derOf(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----|\s/g, "");
}

/** Proposes a hashedrekord entry to Rekor v1. */
export async function logHashedRekord(
  sigstore: Sigstore,
  { chain, privateKey }: Certified,
  content: string,
): Promise<Answer> {
  return await post(`${sigstore.url}/api/v1/log/entries`, {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value: sha256(content).toString("hex") } },
      signature: {
        content: sign("sha256", Buffer.from(content), privateKey).toString("base64"),
        publicKey: { content: Buffer.from(chain[0]!).toString("base64") },
      },
    },
  });
}

/** Proposes a hashedrekord entry to Rekor v2. */
export async function logHashedRekordV2(
  sigstore: Sigstore,
  { chain, privateKey }: Certified,
  content: string,
): Promise<Answer> {
  return await post(`${sigstore.rekor2}/api/v2/log/entries`, {
    hashedRekordRequestV002: {
      digest: sha256(content).toString("base64"),
      signature: {
        content: sign("sha256", Buffer.from(content), privateKey).toString("base64"),
        verifier: {
          x509Certificate: { rawBytes: derOf(chain[0]!) },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      },
    },
  });
}

/** SHA-256. */
export function sha256(...parts: readonly (string | Uint8Array)[]): Buffer {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest();
}
