/** Certificates for one signature, from Fulcio (its HTTP API, version 2). */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { base64 } from "../../core/encoding.ts";
import { ModelSigningError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import { publicKeyDer, signBytes } from "../../core/keys.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Secret } from "../../core/secret.ts";
import { excerpt } from "../../core/text.ts";
import { requestJson, serviceUrl } from "../_http/mod.ts";
import { pemBlocks } from "../_input/mod.ts";
import { MAX_CLOCK_DIFFERENCE } from "../_rfc3161/mod.ts";
import { type Certificate, isoTime, parseCertificate, PURPOSE } from "../_x509/mod.ts";
import { listOf, MemberError, objectOf, textOf } from "./members.ts";
import type { IdentityToken } from "./oidc/mod.ts";

/** Whom a certificate is asked for, and for which key. */
export type CertificateRequest = {
  /** The certificate authority's base address. */
  readonly url: string;
  readonly token: IdentityToken;
  /** EC P-256. */
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
};

/** A chain of a few certificates in PEM: real answers have 3 to 6 KiB. */
const MAX_ANSWER_BYTES = 256 * 1024;

const SERVICE = "the certificate authority";

/**
 * Asks for a certificate that binds the key to the token's identity, and checks that this is what came back.
 * Who issued it is checked with the finished signature.
 *
 * @throws {ModelSigningError} `NETWORK_RESPONSE` for a certificate that does not fit; what `requestJson` throws
 */
export async function requestCertificate(
  { url, token, publicKey, privateKey }: CertificateRequest,
  options: RunOptions,
): Promise<Certificate> {
  const endpoint = serviceUrl(url, "/api/v2/signingCert", SERVICE, "SIGNING_CONFIG_MALFORMED");
  // Whoever holds the token alone must not get a certificate for a key of another.
  const proof = signBytes(privateKey, Buffer.from(token.subject, "utf8"));
  const { json, headers } = await requestJson({
    service: SERVICE,
    url: endpoint,
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      credentials: { oidcIdentityToken: token.token.reveal() },
      publicKeyRequest: {
        publicKey: {
          algorithm: "ECDSA",
          content: publicKey.export({ type: "spki", format: "pem" }),
        },
        proofOfPossession: base64(proof),
      },
    }),
    maxBytes: MAX_ANSWER_BYTES,
    secrets: tokenTexts(token.token),
    hint: tokenHint,
  }, options);
  const where = `${SERVICE} (${endpoint.host})`;
  const certificate = leafIn(json, where);
  checkIssued(certificate, publicKey, token, where);
  checkClock(certificate, headers, where);
  options.logger?.log("debug", "the certificate authority issued a certificate", {
    service: endpoint.origin,
    serial: certificate.serial,
    notAfter: isoTime(certificate.notAfter),
  });
  return certificate;
}

/** The token and its parts: a service may quote it cut short. */
function tokenTexts(token: Secret): readonly string[] {
  return [token.reveal(), ...token.reveal().split(".")].filter((text) => text !== "");
}

function tokenHint(status: number): string | undefined {
  if (status !== 400 && status !== 401 && status !== 403) return undefined;
  return "the identity token was refused: it may have expired, be for another audience, or come from an " +
    "identity provider that this certificate authority does not accept";
}

function leafIn(json: JsonObject, where: string): Certificate {
  if (json["signedCertificateDetachedSct"] !== undefined) {
    // Bundles have no place for one.
    throw unfit(where, "whose signed certificate timestamp is detached, expected an embedded one");
  }
  try {
    const signed = objectOf(json["signedCertificateEmbeddedSct"], "signedCertificateEmbeddedSct");
    const [first] = listOf(objectOf(signed["chain"], "chain")["certificates"], "certificates");
    const [block, ...rest] = pemBlocks(Buffer.from(textOf(first, "certificates[0]"), "utf8"));
    if (block?.label !== "CERTIFICATE" || rest.length > 0) {
      throw new MemberError("certificates[0] is not one certificate in PEM");
    }
    const leaf = parseCertificate(block.der);
    if (!leaf.ok) throw new MemberError(leaf.issue.message);
    return leaf.value;
  } catch (error) {
    if (!(error instanceof MemberError)) throw error;
    throw new ModelSigningError(
      "NETWORK_RESPONSE",
      `${where} answered without a usable certificate: ${error.message}`,
    );
  }
}

function checkIssued(
  { publicKeyInfo, extendedKeyUsage = [], subjectAltNames = [] }: Certificate,
  publicKey: KeyObject,
  { email }: IdentityToken,
  where: string,
): void {
  if (Buffer.compare(publicKeyInfo.der, publicKeyDer(publicKey)) !== 0) {
    throw unfit(where, "for another key than the one asked for");
  }
  if (!extendedKeyUsage.includes(PURPOSE.codeSigning)) {
    throw unfit(where, "that is not for signing code");
  }
  if (email === undefined) return;
  const found = subjectAltNames.flatMap((name) => name.kind === "email" ? [name.text] : []);
  if (found.length !== 1 || found[0] !== email) {
    const names = found.length === 0 ? "no address" : found.map(excerpt).join(", ");
    throw unfit(where, `that names ${names}, expected ${excerpt(email)}`);
  }
}

/**
 * A certificate of a few minutes that is not valid now tells that one of two clocks is wrong. A small difference is
 * none: what counts later is the time that a log or a timestamp authority says.
 */
function checkClock({ notBefore, notAfter }: Certificate, headers: Headers, where: string): void {
  const now = new Date();
  const covers = (time: Date) =>
    time.getTime() >= notBefore.getTime() - MAX_CLOCK_DIFFERENCE &&
    time.getTime() <= notAfter.getTime() + MAX_CLOCK_DIFFERENCE;
  if (covers(now)) return;
  // RFC 9110 6.6.1: when the answer was made, by the service's clock.
  const date = new Date(headers.get("date") ?? "");
  const hint = Number.isNaN(date.getTime())
    ? "check this machine's clock"
    : covers(date)
    ? `set this machine's clock: the certificate authority's says ${isoTime(date)}`
    : `its own clock says ${isoTime(date)}: check both clocks`;
  throw new ModelSigningError(
    "NETWORK_RESPONSE",
    `${where} issued a certificate that is valid from ${isoTime(notBefore)} to ` +
      `${isoTime(notAfter)}, and this machine's clock says ${isoTime(now)}`,
    { hint },
  );
}

function unfit(where: string, what: string): ModelSigningError {
  return new ModelSigningError("NETWORK_RESPONSE", `${where} issued a certificate ${what}`);
}
