/** Logging in to a token: as seldom as possible, and never twice with the same wrong PIN. */

import { setImmediate } from "node:timers/promises";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { USER } from "./constants.ts";
import type { Cryptoki } from "./cryptoki.ts";
import { explained, UNLOCK } from "./explain.ts";
import { findPin, withPinBytes } from "./pin.ts";
import { CryptokiError, RETURNED } from "./return_value.ts";
import { presentToken, readToken, type Token } from "./token.ts";
import type { Pkcs11Uri } from "./uri.ts";

/** Proves to a token that its holder is there. */
export interface Authority {
  /** Logs in a session, and with it all of this process's sessions with the token. */
  logIn(session: bigint): void;
  /** Confirms the use of a key that wants it for each signature (CKA_ALWAYS_AUTHENTICATE). */
  confirm(session: bigint): void;
}

/**
 * Finds the PIN, warns of what a wrong one would do, and gives what logs in with it. A token with a keypad of its own
 * needs no PIN from here.
 *
 * @throws {ModelSigningError} `PKCS11_PIN` when there is no PIN, when it is locked, or when its last attempt would be
 * made with one that nobody typed; `USAGE_PKCS11_URI`, `FILE_UNREADABLE`, `ABORTED`
 */
export async function findAuthority(
  cryptoki: Cryptoki,
  slot: bigint,
  uri: Pkcs11Uri,
  given: Secret | undefined,
  options: RunOptions,
): Promise<Authority> {
  const token = explained("read the token", () => readToken(cryptoki, slot));
  if (token.is("userPinLocked")) {
    throw new ModelSigningError(
      "PKCS11_PIN",
      `the PIN of token ${quote(token.label)} is locked`,
      { hint: UNLOCK },
    );
  }
  const warning = attemptsWarning(token);
  if (token.is("protectedAuthenticationPath")) {
    if (warning !== undefined) tell(warning, options);
    const enter = () => tell(`enter the PIN of token ${quote(token.label)} on its keypad`, options);
    return {
      logIn: (session) => {
        enter();
        login(cryptoki, session, USER.user, token, undefined);
      },
      confirm: (session) => {
        enter();
        login(cryptoki, session, USER.contextSpecific, token, undefined);
      },
    };
  }
  const asked = uri.pinValue === undefined && uri.pinSource === undefined && given === undefined;
  if (warning !== undefined) {
    if (!asked && token.is("userPinFinalTry")) throw lastAttempt(token);
    if (asked) tell(warning, options);
    else options.logger?.log("warn", warning);
  }
  const pin = await findPin(uri, given, token, options);
  const enter = (session: bigint, user: bigint) =>
    withPinBytes(pin, token, (bytes) => login(cryptoki, session, user, token, bytes));
  return {
    logIn: (session) => enter(session, USER.user),
    confirm: (session) => enter(session, USER.contextSpecific),
  };
}

/** Lets a signal through that came while a call blocked the thread. Throws `ABORTED`. */
export async function afterBlocking(signal: AbortSignal | undefined): Promise<void> {
  await setImmediate();
  throwIfAborted(signal);
}

function login(
  cryptoki: Cryptoki,
  session: bigint,
  user: bigint,
  token: Token,
  pin: Uint8Array | undefined,
): void {
  explained(`log in to token ${quote(token.label)}`, () => {
    try {
      cryptoki.login(session, user, pin);
    } catch (error) {
      // Another session of this process did; that one holds for all (PKCS#11 2.40 5.6).
      if (!(error instanceof CryptokiError)) throw error;
      if (error.value === RETURNED.userAlreadyLoggedIn) return;
      if (error.value === RETURNED.pinIncorrect) throw wrongPin(cryptoki, token, error);
      throw error;
    }
  });
}

/** Says what the attempt has cost. */
function wrongPin(cryptoki: Cryptoki, token: Token, cause: CryptokiError): ModelSigningError {
  const now = presentToken(cryptoki, token.slot);
  return new ModelSigningError("PKCS11_PIN", `token ${quote(token.label)} refused the PIN`, {
    hint: now?.is("userPinLocked")
      ? `it is locked now; ${UNLOCK}`
      : now?.is("userPinFinalTry")
      ? "it was tried once; one attempt is left before the token locks"
      : "it was tried once; more wrong ones in a row lock the token",
    cause,
  });
}

function attemptsWarning(token: Token): string | undefined {
  const name = quote(token.label);
  if (token.is("userPinFinalTry")) {
    return `a wrong PIN now locks token ${name}: this is the last attempt`;
  }
  return token.is("userPinCountLow")
    ? `a wrong PIN was entered for token ${name} before; more of them lock it`
    : undefined;
}

/** A job that is started again and again with an old PIN would otherwise lock the token. */
function lastAttempt(token: Token): ModelSigningError {
  return new ModelSigningError(
    "PKCS11_PIN",
    `token ${
      quote(token.label)
    } has one attempt left, which is not spent on a PIN that nobody typed`,
    { hint: "type the right one at the prompt, without PKCS11_PIN and without a PIN in the URI" },
  );
}

function tell(text: string, { interaction, logger }: RunOptions): void {
  if (interaction) interaction.tell(text);
  else logger?.log("warn", text);
}
