/** PKCS#11 URIs (RFC 7512), strictly. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import { Secret } from "../../core/secret.ts";
import { excerpt, quote } from "../../core/text.ts";

/** What a URI says. Attributes that are absent match everything, empty ones only what is empty. */
export type Pkcs11Uri = {
  readonly token?: string | undefined;
  readonly manufacturer?: string | undefined;
  readonly model?: string | undefined;
  readonly serial?: string | undefined;
  readonly libraryManufacturer?: string | undefined;
  readonly libraryDescription?: string | undefined;
  readonly libraryVersion?: { readonly major: number; readonly minor: number } | undefined;
  readonly slotId?: bigint | undefined;
  readonly slotDescription?: string | undefined;
  readonly slotManufacturer?: string | undefined;
  /** Label of the object. */
  readonly object?: string | undefined;
  readonly id?: Uint8Array | undefined;
  readonly moduleName?: string | undefined;
  /** A file, or a directory with the module in it. */
  readonly modulePath?: string | undefined;
  readonly pinValue?: Secret | undefined;
  readonly pinSource?: string | undefined;
  /** Names of vendors' query attributes, which are not acted on. */
  readonly ignored: readonly string[];
};

/** Bytes of a URI. Far more than labels of 32 bytes, an id and two paths take. */
const MAX_URI_BYTES = 16_384;

const PATH_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...["token", "manufacturer", "model", "serial", "object", "id", "type"],
  ...["library-manufacturer", "library-description", "library-version"],
  ...["slot-id", "slot-description", "slot-manufacturer"],
]);

const QUERY_ATTRIBUTES: ReadonlySet<string> = new Set([
  ...["module-name", "module-path", "pin-value", "pin-source"],
]);

/** pk11-pchar and pk11-qchar of RFC 7512 2.3. */
const PATH_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=&]|%[0-9A-Fa-f]{2})*$/;
const QUERY_VALUE = /^(?:[A-Za-z0-9\-._~:[\]@!$'()*+,=/?|]|%[0-9A-Fa-f]{2})*$/;

/**
 * A wrong separator before an attribute (`module-name=a;pin-value=1`, `object=a&pin-value=1`). The syntax allows some;
 * then the PIN would be part of a label or a path, which messages repeat.
 */
const ANOTHER_ATTRIBUTE = /[;&?][^;&?=]*=/;

/**
 * Parses a URI that names a private key. No message repeats a PIN.
 *
 * What is unknown is refused: in the path it could only narrow what matches, to nothing; in the query it may be a
 * misspelt attribute. Only what is marked as a vendor's (`x-…`) in the query is left aside.
 *
 * @throws {ModelSigningError} `USAGE_PKCS11_URI`
 */
export function parsePkcs11Uri(uri: string): Pkcs11Uri {
  const parts = /^pkcs11:([^?]*)(?:\?([^]*))?$/i.exec(uri);
  if (parts === null) throw refused('it does not begin with "pkcs11:"');
  if (uri.length > MAX_URI_BYTES) throw refused(`it has more than ${MAX_URI_BYTES} characters`);
  const [, path = "", query = ""] = parts;
  const given = attributes(path, ";", PATH_ATTRIBUTES, PATH_VALUE);
  const asked = attributes(query, "&", QUERY_ATTRIBUTES, QUERY_VALUE);
  requirePrivate(text(given, "type"));
  if (asked.has("pin-value") && asked.has("pin-source")) {
    // RFC 7512 2.4
    throw refused("it has both pin-value and pin-source");
  }
  const pin = text(asked, "pin-value");
  return {
    token: text(given, "token"),
    manufacturer: text(given, "manufacturer"),
    model: text(given, "model"),
    serial: text(given, "serial"),
    libraryManufacturer: text(given, "library-manufacturer"),
    libraryDescription: text(given, "library-description"),
    libraryVersion: version(text(given, "library-version")),
    slotId: slotId(text(given, "slot-id")),
    slotDescription: text(given, "slot-description"),
    slotManufacturer: text(given, "slot-manufacturer"),
    object: text(given, "object"),
    id: given.get("id"),
    moduleName: text(asked, "module-name"),
    modulePath: text(asked, "module-path"),
    pinValue: pin === undefined ? undefined : new Secret(pin),
    pinSource: text(asked, "pin-source"),
    ignored: [...asked.keys()].filter((name) => !QUERY_ATTRIBUTES.has(name)),
  };
}

/** Splits a component into attributes, whose values are percent-decoded. */
function attributes(
  component: string,
  separator: ";" | "&",
  known: ReadonlySet<string>,
  allowed: RegExp,
): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  if (component === "") return found;
  const place = separator === ";" ? "path" : "query";
  for (const attribute of component.split(separator)) {
    const end = attribute.indexOf("=");
    if (end < 1) {
      // Not quoted: without a name it may be the rest of a PIN.
      throw refused(`its ${place} has an attribute without a name or without "="`);
    }
    const [name, value] = [attribute.slice(0, end), attribute.slice(end + 1)];
    if (!known.has(name)) {
      const ignorable = place === "query" && /^x-[A-Za-z0-9_-]+$/.test(name);
      if (!ignorable) throw unknown(name, place, component);
    } else if (found.has(name)) throw refused(`${name} is given more than once`);
    if (ANOTHER_ATTRIBUTE.test(value)) {
      throw refused(
        `the value of ${quote(name)} seems to hold another attribute; "?" begins the query, "&" ` +
          "separates its attributes, and what belongs to a value is percent-encoded",
      );
    }
    if (!allowed.test(value)) {
      throw refused(
        `the value of ${quote(name)} has a character that is not percent-encoded, ` +
          "or % without two hexadecimal digits",
      );
    }
    found.set(name, percentDecoded(value));
  }
  return found;
}

function unknown(name: string, place: "path" | "query", component: string): ModelSigningError {
  const elsewhere = place === "path" ? QUERY_ATTRIBUTES : PATH_ATTRIBUTES;
  if (elsewhere.has(name)) {
    return refused(
      place === "path"
        ? `${name} stands before the "?", expected behind it`
        : `${name} stands behind the "?", expected before it`,
    );
  }
  // What follows a PIN with a bare "&" in it is part of the PIN.
  const shown = component.includes("pin-value=") ? "" : ` ${excerpt(name)}`;
  return refused(`its ${place} has an unknown attribute${shown}`);
}

/** The value holds only ASCII, and `%` only before two digits. */
function percentDecoded(value: string): Uint8Array {
  const bytes: number[] = [];
  for (let at = 0; at < value.length; at++) {
    if (value[at] === "%") {
      bytes.push(parseInt(value.slice(at + 1, at + 3), 16));
      at += 2;
    } else bytes.push(value.charCodeAt(at));
  }
  return Buffer.from(bytes);
}

function text(found: ReadonlyMap<string, Uint8Array>, name: string): string | undefined {
  const bytes = found.get(name);
  if (bytes === undefined) return undefined;
  let value: string;
  try {
    value = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw refused(`the value of ${name} is not UTF-8`);
  }
  if (value.includes("\0")) throw refused(`the value of ${name} holds a NUL character`);
  return value;
}

function requirePrivate(type: string | undefined): void {
  if (type === undefined || type === "private") return;
  if (["public", "cert", "secret-key", "data"].includes(type)) {
    throw refused(`its type is ${quote(type)}, expected "private", or none`);
  }
  throw refused(`its type ${excerpt(type)} is unknown, expected "private", or none`);
}

/** "M" means "M.0"; both are one byte (RFC 7512 2.3). */
function version(text: string | undefined): Pkcs11Uri["libraryVersion"] {
  if (text === undefined) return undefined;
  const [, major, minor = "0"] = /^([0-9]{1,3})(?:\.([0-9]{1,3}))?$/.exec(text) ?? [];
  if (major === undefined || Number(major) > 255 || Number(minor) > 255) {
    throw refused(`library-version is ${excerpt(text)}, expected a version such as "2.6"`);
  }
  return { major: Number(major), minor: Number(minor) };
}

function slotId(text: string | undefined): bigint | undefined {
  if (text === undefined) return undefined;
  if (!/^[0-9]{1,20}$/.test(text)) {
    throw refused(`slot-id is ${excerpt(text)}, expected a whole number`);
  }
  const id = BigInt(text);
  // CK_ULONG has 64 bits at most.
  if (id >= 1n << 64n) throw refused(`slot-id is ${text}, which no slot can have`);
  return id;
}

function refused(reason: string): ModelSigningError {
  return new ModelSigningError("USAGE_PKCS11_URI", `cannot use the PKCS#11 URI: ${reason}`, {
    hint: 'a URI looks like "pkcs11:token=LABEL;object=KEY?module-name=NAME" (RFC 7512)',
  });
}
