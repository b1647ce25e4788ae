/** Faults out of the answers of PKCS#11 functions. */

import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import { CryptokiError, RETURNED } from "./return_value.ts";

const GONE = "the token was removed, or it ended the session; sign again once it is back";

/** What to do about a locked PIN. */
export const UNLOCK = "unlock it with the token's PUK or its security officer's PIN";

/** The answers that say more than that a call failed. */
const MEANINGS: ReadonlyMap<bigint, { readonly code: ErrorCode; readonly hint: string }> = new Map<
  bigint,
  { readonly code: ErrorCode; readonly hint: string }
>([
  [RETURNED.deviceRemoved, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.tokenNotPresent, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.tokenNotRecognized, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.sessionClosed, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.sessionHandleInvalid, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.keyHandleInvalid, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.objectHandleInvalid, { code: "PKCS11_TOKEN", hint: GONE }],
  [RETURNED.pinInvalid, { code: "PKCS11_PIN", hint: "the PIN has characters it cannot have" }],
  [RETURNED.pinLenRange, { code: "PKCS11_PIN", hint: "the PIN is too short or too long" }],
  [RETURNED.pinExpired, {
    code: "PKCS11_PIN",
    hint: "set another PIN with the tool of the token's maker",
  }],
  [RETURNED.pinLocked, {
    code: "PKCS11_PIN",
    hint: UNLOCK,
  }],
  [RETURNED.userPinNotInitialized, {
    code: "PKCS11_PIN",
    hint: "the token has no PIN yet; set one with the tool of the token's maker",
  }],
  [RETURNED.userNotLoggedIn, {
    code: "PKCS11_PIN",
    hint: "the token wants its PIN, although it did not say so; or the login has ended since",
  }],
  [RETURNED.keyFunctionNotPermitted, {
    code: "PKCS11_OBJECT",
    hint: "the key is not for signing (CKA_SIGN)",
  }],
  [RETURNED.dataLenRange, {
    code: "PKCS11_FAILED",
    hint: "Ed25519 signs the whole statement, which may be too long for the token; " +
      "of other keys it gets only a digest",
  }],
]);

/**
 * Runs calls to a module.
 *
 * @param what what they are to do, as in `cannot …`
 * @throws {ModelSigningError} `PKCS11_TOKEN`, `PKCS11_PIN`, `PKCS11_OBJECT`, `PKCS11_FAILED`
 */
export function explained<T>(what: string, calls: () => T): T {
  try {
    return calls();
  } catch (error) {
    if (!(error instanceof CryptokiError)) throw error;
    const { code = "PKCS11_FAILED", hint } = MEANINGS.get(error.value) ?? {};
    throw new ModelSigningError(code, `cannot ${what}: ${error.message}`, {
      cause: error,
      ...(hint === undefined ? {} : { hint }),
    });
  }
}
