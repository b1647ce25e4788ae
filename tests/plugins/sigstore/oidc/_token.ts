/** Identity tokens of any kind, and a search for what leaked of them. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { inspect } from "node:util";
import { ModelSigningError } from "../../../../core/errors.ts";
import { Secret } from "../../../../core/secret.ts";

/** What `iss` is unless a test says otherwise. */
export const ISSUER = "https://issuer.example";

/** Seconds since 1970 when the tests were loaded, which may be minutes ago. */
export const NOW: number = Math.floor(Date.now() / 1000);

/** In seconds; longer than any run of the tests. */
export const DAY: number = 24 * 60 * 60;

/** A good token's claims. */
export const CLAIMS: Readonly<Record<string, unknown>> = {
  iss: ISSUER,
  sub: "repo:example/models",
  aud: "sigstore",
  iat: NOW,
  exp: NOW + DAY,
};

/** A token with these claims besides the good ones; undefined leaves one out. The signature is random. */
export function jwt(claims: Readonly<Record<string, unknown>> = {}): string {
  return compact({ alg: "ES256", typ: "JWT" }, { ...CLAIMS, ...claims });
}

/** Any two JSON values as a token. */
export function compact(header: unknown, claims: unknown): string {
  return `${base64url(header)}.${base64url(claims)}.${randomBytes(64).toString("base64url")}`;
}

/** JSON in base64url. */
export function base64url(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Fails when a text, or one of its parts between dots, stands anywhere in an error or in what caused it. */
export function assertHolds(error: unknown, ...secrets: readonly string[]): void {
  const shown = [
    inspect(error, { depth: Infinity, showHidden: true }),
    JSON.stringify(error),
    JSON.stringify(
      Object.getOwnPropertyNames(error).map((name) => Reflect.get(error as object, name)),
    ),
    ...chain(error).flatMap((each) => [String(each), (each as Error).stack ?? ""]),
  ].join("\n");
  for (const secret of secrets) {
    for (const part of [secret, ...secret.split(".")]) {
      // Shorter parts may be found by chance.
      if (part.length >= 8) assert.ok(!shown.includes(part), "an error shows a secret");
    }
  }
}

/** The error with this code that a step ends with; it must not show any of the secrets. */
export async function fault(
  code: string,
  step: () => unknown,
  ...secrets: readonly string[]
): Promise<ModelSigningError> {
  try {
    await step();
  } catch (error) {
    assertHolds(error, ...secrets);
    assert.ok(error instanceof ModelSigningError, inspect(error));
    assert.equal(error.code, code, inspect(error));
    return error;
  }
  return assert.fail(`no error, expected ${code}`);
}

/** Wraps a text. */
export function secret(text: string): Secret {
  return new Secret(text);
}

function chain(error: unknown): unknown[] {
  return error instanceof Error ? [error, ...chain(error.cause)] : [];
}
