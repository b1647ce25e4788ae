/** Identity tokens: JSON Web Tokens (RFC 7519) signed with ES256. */

import { Buffer } from "node:buffer";
import { type JsonWebKey, sign, verify } from "node:crypto";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { type Key, sha256 } from "./keys.ts";

/** RFC 7518 3.4: r and s, not DER. */
const ENCODING = { dsaEncoding: "ieee-p1363" } as const;

/** Claims to sign. */
export type Claims = Readonly<Record<string, unknown>>;

/** Signs claims. */
export function signJwt(claims: Claims, key: Key): string {
  const header = { alg: "ES256", typ: "JWT", kid: keyId(key) };
  const signed = [header, claims].map((part) => base64url(JSON.stringify(part))).join(".");
  const signature = sign("sha256", Buffer.from(signed), { key: key.privateKey, ...ENCODING });
  return `${signed}.${signature.toString("base64url")}`;
}

/** Claims of a token that was signed with `key`, or undefined. */
export function verifyJwt(token: string, key: Key): JsonObject | undefined {
  const [header = "", payload = "", signature = "", ...more] = token.split(".");
  if (more.length > 0) return undefined;
  const head = objectOf(header);
  if (head?.["alg"] !== "ES256" || head["kid"] !== keyId(key)) return undefined;
  const bytes = Buffer.from(signature, "base64url");
  const good = bytes.length === 64 &&
    verify(
      "sha256",
      Buffer.from(`${header}.${payload}`),
      { key: key.publicKey, ...ENCODING },
      bytes,
    );
  return good ? objectOf(payload) : undefined;
}

/** The public key as the issuer publishes it (RFC 7517). */
export function publicJwk(key: Key): JsonWebKey {
  return { ...key.publicKey.export({ format: "jwk" }), alg: "ES256", use: "sig", kid: keyId(key) };
}

function keyId(key: Key): string {
  return sha256(key.spki).toString("hex").slice(0, 16);
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}

function objectOf(part: string): JsonObject | undefined {
  try {
    const value = parseJson(Buffer.from(part, "base64url"));
    return isObject(value) ? value : undefined;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}
