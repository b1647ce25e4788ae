/** Finding the token that a URI means. By what it says of itself: numbers of slots change from day to day. */

import { ModelSigningError } from "../../core/errors.ts";
import { counted, quote } from "../../core/text.ts";
import { TOKEN_FLAG } from "./constants.ts";
import type { Cryptoki } from "./cryptoki.ts";
import { explained } from "./explain.ts";
import { CryptokiError, RETURNED } from "./return_value.ts";
import type { Pkcs11Uri } from "./uri.ts";

/** A token in its slot. Texts are as the token gives them, not escaped. */
export type Token = {
  readonly slot: bigint;
  readonly label: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly serial: string;
  /** Whether a flag is set, as of when the token was read. */
  is(flag: keyof typeof TOKEN_FLAG): boolean;
  /** Bytes. */
  readonly minPin: bigint;
  readonly maxPin: bigint;
};

/** What a slot answers whose token is gone, or is none that the module knows. */
const ABSENT: readonly bigint[] = [
  RETURNED.tokenNotPresent,
  RETURNED.tokenNotRecognized,
  RETURNED.deviceRemoved,
];

/** Tokens that a message lists. */
const LISTED = 8;

/**
 * The one token that fits.
 *
 * @throws {ModelSigningError} `PKCS11_TOKEN` when none or several do, `PKCS11_MODULE` when the library does not fit
 */
export function findToken(cryptoki: Cryptoki, uri: Pkcs11Uri): Token {
  requireLibrary(cryptoki, uri);
  const slots = explained("list the tokens", () => cryptoki.slots());
  const all = slots.flatMap((slot) => {
    const token = explained("read a token", () => presentToken(cryptoki, slot));
    return token === undefined ? [] : [token];
  });
  // A slot may hold a token that nobody has set up; SoftHSM always offers one more.
  const usable = all.filter((token) => token.is("tokenInitialized"));
  const fitting = usable.filter((token) =>
    fits(token, uri) && explained("read a slot", () => slotFits(cryptoki, token.slot, uri))
  );
  const [token, second] = fitting;
  if (token !== undefined && second === undefined) return token;
  if (token === undefined) {
    throw new ModelSigningError(
      "PKCS11_TOKEN",
      usable.length === 0
        ? "no slot of the PKCS#11 module holds a token that is set up"
        : `the PKCS#11 URI fits none of ${counted(usable.length, "token")}: ${list(usable)}`,
      { hint: "is it plugged in? pkcs11-tool --module MODULE --list-token-slots shows the tokens" },
    );
  }
  throw new ModelSigningError(
    "PKCS11_TOKEN",
    `the PKCS#11 URI fits ${fitting.length} tokens: ${list(fitting)}`,
    // Trying each would spend the attempts of tokens that have another PIN.
    { hint: "name one with token= or serial=" },
  );
}

/** The token as it is now; its flags tell whether a wrong PIN was entered. */
export function readToken(cryptoki: Cryptoki, slot: bigint): Token {
  const info = cryptoki.tokenInfo(slot);
  const flags = info.integer("flags");
  return {
    slot,
    label: info.text("label"),
    manufacturer: info.text("manufacturer"),
    model: info.text("model"),
    serial: info.text("serial"),
    is: (flag) => (flags & TOKEN_FLAG[flag]) !== 0n,
    minPin: info.integer("minPinBytes"),
    maxPin: info.integer("maxPinBytes"),
  };
}

/** The same; undefined when it was taken out since, or is a card of another kind. */
export function presentToken(cryptoki: Cryptoki, slot: bigint): Token | undefined {
  try {
    return readToken(cryptoki, slot);
  } catch (error) {
    if (error instanceof CryptokiError && ABSENT.includes(error.value)) return undefined;
    throw error;
  }
}

function fits(token: Token, uri: Pkcs11Uri): boolean {
  return (uri.slotId ?? token.slot) === token.slot &&
    (uri.token ?? token.label) === token.label &&
    (uri.manufacturer ?? token.manufacturer) === token.manufacturer &&
    (uri.model ?? token.model) === token.model &&
    (uri.serial ?? token.serial) === token.serial;
}

function slotFits(
  cryptoki: Cryptoki,
  slot: bigint,
  { slotDescription, slotManufacturer }: Pkcs11Uri,
): boolean {
  if (slotDescription === undefined && slotManufacturer === undefined) return true;
  const info = cryptoki.slotInfo(slot);
  const [description, manufacturer] = [info.text("description"), info.text("manufacturer")];
  return (slotDescription ?? description) === description &&
    (slotManufacturer ?? manufacturer) === manufacturer;
}

function requireLibrary(cryptoki: Cryptoki, uri: Pkcs11Uri): void {
  const info = explained("ask the PKCS#11 module what it is", () => cryptoki.info());
  const [major, minor] = info.bytes("libraryVersion");
  const [manufacturer, description] = [info.text("manufacturer"), info.text("libraryDescription")];
  const { libraryVersion: version } = uri;
  if (
    (uri.libraryManufacturer ?? manufacturer) === manufacturer &&
    (uri.libraryDescription ?? description) === description &&
    (version === undefined || (version.major === major && version.minor === minor))
  ) return;
  throw new ModelSigningError(
    "PKCS11_MODULE",
    `the PKCS#11 module is ${quote(description)} ${major}.${minor} by ${quote(manufacturer)}, ` +
      "which the library attributes of the URI do not fit",
  );
}

function list(tokens: readonly Token[]): string {
  const shown = tokens.slice(0, LISTED).map(({ label, serial, model, slot }) =>
    `${quote(label)} (serial ${quote(serial)}, model ${quote(model)}, slot-id ${slot})`
  );
  return tokens.length > LISTED ? `${shown.join(", ")}, ...` : shown.join(", ");
}
