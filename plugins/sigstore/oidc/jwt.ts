/** JSON Web Tokens (RFC 7519), as far as a client reads them. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../../core/json.ts";
import type { Secret } from "../../../core/secret.ts";

/** Bytes of a token. The largest real ones, of CI systems with dozens of claims, have 3 KiB. */
export const MAX_TOKEN_BYTES: number = 64 * 1024;

/** Bytes of an answer that holds a token: the token endpoint's holds three. */
export const MAX_TOKEN_ANSWER_BYTES: number = 4 * MAX_TOKEN_BYTES;

/** Values in a token's header or claims. */
const MAX_VALUES = 10_000;

/**
 * The claims of a signed token in its compact form (RFC 7515 7.1). The signature is not checked.
 *
 * No message quotes the token, nor what its parts decode to: a text that is no token may be another secret.
 *
 * @throws {ModelSigningError} `TOKEN_MALFORMED`
 */
export function claimsOf(token: Secret): JsonObject {
  if (token.reveal().length > MAX_TOKEN_BYTES) {
    throw malformed(`it has more than ${MAX_TOKEN_BYTES} bytes`);
  }
  const parts = token.reveal().split(".");
  const [header, claims, signature] = parts;
  if (header === undefined || claims === undefined || signature === undefined || parts.length > 3) {
    throw malformed(`its parts between dots number ${parts.length}, expected 3`);
  }
  jsonOf(header, "header");
  if (bytesOf(signature, "signature").length === 0) throw malformed("it is not signed");
  return jsonOf(claims, "claims");
}

/** The fault of a token that is not what it should be. */
export function malformed(reason: string): ModelSigningError {
  return new ModelSigningError("TOKEN_MALFORMED", `identity token is not usable: ${reason}`, {
    hint:
      "an identity token is a signed JWT of an OpenID provider: three base64url parts with dots " +
      "between them",
  });
}

function jsonOf(part: string, what: string): JsonObject {
  try {
    const json = parseJson(bytesOf(part, what), MAX_VALUES);
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw malformed(`its ${what} part is not a JSON object`);
}

/** RFC 7515 2: base64url without padding. */
function bytesOf(part: string, what: string): Uint8Array {
  const bytes = Buffer.from(part, "base64url");
  if (bytes.toString("base64url") !== part) throw malformed(`its ${what} part is not base64url`);
  return bytes;
}
