/** What a token says about its bearer. */

import { ModelSigningError } from "../../../core/errors.ts";
import type { Json, JsonObject } from "../../../core/json.ts";
import type { Secret } from "../../../core/secret.ts";
import { excerpt, quote } from "../../../core/text.ts";
import { claimsOf, malformed } from "./jwt.ts";

/** A token that is in its validity period and meant for us. Who signed it is not known: Fulcio checks that. */
export type IdentityToken = {
  readonly token: Secret;
  readonly issuer: string;
  /** What Fulcio demands a proof of possession over: the email address if the token has one, else `sub`. */
  readonly subject: string;
  readonly email?: string;
  readonly expires: Date;
  readonly issued?: Date;
};

/** How far a token's beginning may lie ahead of this machine's clock. */
const LEEWAY_MS = 60_000;

/**
 * Reads an ID token (OpenID Connect Core 2) and checks what its bearer can check.
 *
 * @param audience what `aud` must be or hold
 * @throws {ModelSigningError} `TOKEN_MALFORMED` (also when the email address is not verified),
 * `TOKEN_AUDIENCE`, `TOKEN_EXPIRED`, `TOKEN_NOT_YET_VALID`
 */
export function parseIdentityToken(
  token: Secret,
  audience: string,
  now: Date = new Date(),
): IdentityToken {
  const claims = claimsOf(token);
  const issuer = textOf(claims, "iss");
  const sub = textOf(claims, "sub");
  const email = emailOf(claims);
  const expires = timeOf(claims, "exp");
  if (expires === undefined) throw malformed('claim "exp" is missing');
  const issued = timeOf(claims, "iat");
  checkAudience(claims["aud"], audience);
  checkPeriod(expires, [timeOf(claims, "nbf"), issued], now);
  return {
    token,
    issuer,
    subject: email ?? sub,
    ...(email === undefined ? {} : { email }),
    expires,
    ...(issued === undefined ? {} : { issued }),
  };
}

function checkAudience(aud: Json | undefined, audience: string): void {
  const found = Array.isArray(aud) ? aud : [aud];
  if (found.length === 0 || !found.every((each) => typeof each === "string")) {
    throw malformed('claim "aud" is neither a text nor a list of texts');
  }
  if (found.includes(audience)) return;
  throw new ModelSigningError(
    "TOKEN_AUDIENCE",
    `identity token is meant for ${excerpt(found.join(", "))}, expected ${quote(audience)}`,
    { hint: `ask its issuer for a token with the audience ${quote(audience)}` },
  );
}

function checkPeriod(expires: Date, begins: readonly (Date | undefined)[], now: Date): void {
  const clock = `this machine's clock says ${now.toISOString()}`;
  if (now >= expires) {
    throw new ModelSigningError(
      "TOKEN_EXPIRED",
      `identity token expired at ${expires.toISOString()}, and ${clock}`,
      { hint: "get a new token; if this one is new, the clock is wrong" },
    );
  }
  for (const begin of begins) {
    if (begin === undefined || +begin <= +now + LEEWAY_MS) continue;
    throw new ModelSigningError(
      "TOKEN_NOT_YET_VALID",
      `identity token is valid from ${begin.toISOString()}, and ${clock}`,
      { hint: "set the clock" },
    );
  }
}

/** OpenID Connect Core 5.1. Some issuers write `email_verified` as a text. */
function emailOf(claims: JsonObject): string | undefined {
  const { email, email_verified: verified } = claims;
  if (email === undefined || email === null || email === "") return undefined;
  if (typeof email !== "string") throw malformed('claim "email" is not a text');
  if (verified === false || verified === "false") {
    throw malformed(`its issuer has not verified the email address ${excerpt(email)}`);
  }
  return email;
}

function textOf(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`claim "${name}" is ${value === undefined ? "missing" : "not a text"}`);
}

/** RFC 7519 2, NumericDate: seconds, with a fraction or without. */
function timeOf(claims: JsonObject, name: string): Date | undefined {
  const value = claims[name];
  if (value === undefined) return undefined;
  const time = new Date(typeof value === "number" ? value * 1000 : NaN);
  if (Number.isNaN(+time)) throw malformed(`claim "${name}" is not a time`);
  return time;
}
