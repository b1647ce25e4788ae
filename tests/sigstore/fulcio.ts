/** A certificate authority with Fulcio's interface: a token and a key in, a short-lived certificate out. */

import { createPublicKey, type KeyObject } from "node:crypto";
import { Buffer } from "node:buffer";
import type { JsonObject } from "../../core/json.ts";
import { keyAlgorithm } from "../../core/keys.ts";
import { DerError, DerReader, octets, oid, readOnly, TAG } from "../../plugins/_der/mod.ts";
import {
  type Authority,
  digitalSignature,
  extendedKeyUsage,
  intermediateAuthority,
  keyIdentifiers,
  newSerial,
  NO_NAME,
  rootAuthority,
  signCertificate,
  tbsCertificate,
  USAGE,
} from "./certificate.ts";
import type { CtLog } from "./ct_log.ts";
import { type Asked, bytesAt, json, objectIn, refused, type Reply, textAt } from "./http.ts";
import { alternativeName, fulcioExtensions, type Identity, identityOf } from "./identity.ts";
import { verifyJwt } from "./jwt.ts";
import { derIn, holds, newKey, pem } from "./keys.ts";
import { CLIENTS, type OidcIssuer } from "./oidc.ts";

const VALID_MS = 10 * 60 * 1000;

/** The authority. */
export class Fulcio {
  readonly root: Authority = rootAuthority("root", "P-384");
  readonly intermediate: Authority = intermediateAuthority(this.root, "intermediate", "P-384");
  readonly #issuer: OidcIssuer;
  readonly #ctLog: CtLog;

  constructor(issuer: OidcIssuer, ctLog: CtLog) {
    this.#issuer = issuer;
    this.#ctLog = ctLog;
  }

  /** Answers a request below `/api/v2`. */
  answer(asked: Asked, lie: string | undefined): Reply {
    switch (`${asked.method} ${asked.url.pathname}`) {
      case "GET /api/v2/trustBundle":
        return json({ chains: [{ certificates: this.#chain() }] });
      case "POST /api/v2/signingCert":
        return this.#sign(asked, lie);
      default:
        throw refused(404, "Not Found");
    }
  }

  #chain(): readonly string[] {
    return [this.intermediate, this.root].map(({ certificate }) => pem("CERTIFICATE", certificate));
  }

  #sign({ headers, body }: Asked, lie: string | undefined): Reply {
    const asked = objectIn(body);
    const claims = this.#claims(tokenIn(headers.authorization, asked));
    const identity = identityOf(claims);
    if (!identity) throw refused(401, "There was an error processing the identity token");
    const key = provenKey(asked, identity);
    const leaf = this.#issue(key.export({ type: "spki", format: "der" }), identity, claims, lie);
    const certificates = [pem("CERTIFICATE", leaf), ...this.#chain()];
    return json({ signedCertificateEmbeddedSct: { chain: { certificates } } });
  }

  /** Claims of a token that is to be believed. */
  #claims(token: string): JsonObject {
    const claims = verifyJwt(token, this.#issuer.key);
    const now = Date.now() / 1000;
    const good = claims !== undefined && claims["iss"] === this.#issuer.url &&
      Object.hasOwn(CLIENTS, String(claims["aud"])) &&
      typeof claims["exp"] === "number" && claims["exp"] > now &&
      !(typeof claims["nbf"] === "number" && claims["nbf"] > now);
    if (!good) throw refused(401, "There was an error processing the identity token");
    return claims;
  }

  #issue(
    spki: Uint8Array,
    identity: Identity,
    claims: JsonObject,
    lie: string | undefined,
  ): Uint8Array {
    const start = Math.floor(Date.now() / 1000) * 1000 - (lie === "expired" ? 60 * 60 * 1000 : 0);
    const issuer = lie === "other-authority" ? rootAuthority("other", "P-384") : this.intermediate;
    const publicKey = lie === "wrong-key" ? newKey("P-256").spki : spki;
    const named: Identity = lie === "other-identity"
      ? { kind: "email", name: "mallory@example.com", challenge: "" }
      : identity;
    const serial = newSerial();
    const tbs = (...more: readonly Uint8Array[]) =>
      tbsCertificate(
        {
          subject: NO_NAME,
          spki: publicKey,
          notBefore: new Date(start),
          notAfter: new Date(start + VALID_MS),
          extensions: [
            digitalSignature(),
            extendedKeyUsage(USAGE.codeSigning, "not critical"),
            ...keyIdentifiers(publicKey, issuer),
            alternativeName(named),
            ...fulcioExtensions(claims),
            ...more,
          ],
        },
        issuer,
        serial,
      );
    if (lie === "no-sct") return signCertificate(tbs(), issuer);
    const badSct = lie === "bad-sct" ? lie : undefined;
    const sct = this.#ctLog.submit(tbs(), issuer, new Date(start), badSct);
    return signCertificate(tbs(sct), issuer);
  }
}

/** The token: in the header, as the Python tool sends it, or in the body. */
function tokenIn(authorization: string | undefined, asked: JsonObject): string {
  const bearer = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1];
  return bearer ?? textAt(asked, "credentials", "oidcIdentityToken");
}

/** The key of which the client has shown that it has the private half. */
function provenKey(asked: JsonObject, identity: Identity): KeyObject {
  const { key, proof } = "certificateSigningRequest" in asked
    ? signedRequest(bytesAt(asked, "certificateSigningRequest"))
    : challenged(asked, identity.challenge);
  const digest = acceptedDigest(key);
  // Clients that know P-256 only hash with SHA-256 whatever the key.
  const digests = new Set([digest, "sha256"] as const);
  if (![...digests].some((each) => holds(each, proof.over, key, proof.signature))) {
    throw refused(400, "The signature supplied in the request could not be verified");
  }
  return key;
}

type Proof = { readonly over: Uint8Array; readonly signature: Uint8Array };

function challenged(asked: JsonObject, challenge: string): { key: KeyObject; proof: Proof } {
  const content = textAt(asked, "publicKeyRequest", "publicKey", "content");
  const signature = bytesAt(asked, "publicKeyRequest", "proofOfPossession");
  const der = derIn(content, "PUBLIC KEY");
  return { key: keyOf(der), proof: { over: Buffer.from(challenge, "utf8"), signature } };
}

/** PKCS#10 (RFC 2986 4.2). Nothing of it is used but the key. */
function signedRequest(bytes: Buffer): { key: KeyObject; proof: Proof } {
  const der = derIn(bytes.toString("latin1"), "CERTIFICATE REQUEST");
  try {
    const request = readOnly(der ?? new Uint8Array(), TAG.sequence, "the request");
    const info = request.read(TAG.sequence, "its information");
    oid(request.enter(TAG.sequence, "its algorithm").read(TAG.oid, "its algorithm").content);
    const signature = octets(request.read(TAG.bitString, "its signature").content, "its signature");
    request.end("the request");
    const fields = new DerReader(info.content);
    fields.read(TAG.integer, "its version");
    fields.read(TAG.sequence, "its subject");
    const key = keyOf(Buffer.from(fields.read(TAG.sequence, "its key").whole));
    return { key, proof: { over: info.whole, signature } };
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw refused(400, "The certificate signing request could not be parsed");
  }
}

function keyOf(der: Buffer | undefined): KeyObject {
  try {
    if (der) return createPublicKey({ key: der, type: "spki", format: "der" });
  } catch {
    // Whatever the runtime says about it, it is no key.
  }
  throw refused(400, "The public key supplied in the request could not be parsed");
}

function acceptedDigest(key: KeyObject): "sha256" | "sha384" {
  const found = keyAlgorithm(key);
  const name = "algorithm" in found ? found.algorithm.name : "";
  if (name === "EC P-256") return "sha256";
  if (name === "EC P-384") return "sha384";
  throw refused(400, "The public key supplied in the request could not be parsed");
}
