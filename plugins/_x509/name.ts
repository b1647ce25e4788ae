/** Distinguished names: comparison (RFC 5280 7.1) and text (RFC 4514). */

import { Buffer } from "node:buffer";
import { hex } from "../../core/encoding.ts";
import { DerReader, type Element, oid, TAG } from "../_der/mod.ts";

/** One attribute of a relative distinguished name. */
export type Attribute = {
  /** Dotted object identifier. */
  readonly type: string;
  /** Absent when the value is no string or not decodable. */
  readonly text?: string;
  /** The value's encoding. */
  readonly der: Uint8Array;
};

/** A name: relative distinguished names in the order of the certificate, most general first. */
export type Name = readonly (readonly Attribute[])[];

/** Object identifier of the common name. */
export const COMMON_NAME = "2.5.4.3";
/** Object identifier of PKCS#9's e-mail address. */
export const EMAIL_ADDRESS = "1.2.840.113549.1.9.1";

/** RFC 4514 3, and what OpenSSL adds to it. */
const SHORT_NAMES: Readonly<Record<string, string>> = {
  [COMMON_NAME]: "CN",
  "2.5.4.4": "SN",
  "2.5.4.5": "serialNumber",
  "2.5.4.6": "C",
  "2.5.4.7": "L",
  "2.5.4.8": "ST",
  "2.5.4.9": "street",
  "2.5.4.10": "O",
  "2.5.4.11": "OU",
  "2.5.4.12": "title",
  "2.5.4.42": "GN",
  "2.5.4.97": "organizationIdentifier",
  "0.9.2342.19200300.100.1.1": "UID",
  "0.9.2342.19200300.100.1.25": "DC",
  [EMAIL_ADDRESS]: "emailAddress",
};

const DECODERS: Readonly<Record<number, (content: Uint8Array) => string>> = {
  [TAG.utf8String]: (content) => new TextDecoder("utf-8", { fatal: true }).decode(content),
  0x12: latin1, // NumericString
  0x13: latin1, // PrintableString
  0x14: latin1, // TeletexString, which is Latin-1 in practice
  0x16: latin1, // IA5String
  0x1a: latin1, // VisibleString
  0x1c: (content) => codePoints(content, 4), // UniversalString
  0x1e: (content) => codePoints(content, 2), // BMPString
};

/** Parses the content of a Name. Throws DerError. */
export function parseName(name: Element): Name {
  const reader = new DerReader(name.content);
  const rdns: Attribute[][] = [];
  while (!reader.done) {
    const set = reader.enter(TAG.set, "a relative distinguished name");
    const attributes: Attribute[] = [];
    do attributes.push(parseAttribute(set)); while (!set.done);
    rdns.push(attributes);
  }
  return rdns;
}

/**
 * A text that is equal for two names exactly when RFC 5280 7.1 calls them equal: attributes of one
 * relative distinguished name in any order, string types alike, case, kinds of space and invisible
 * characters aside. OpenSSL sets aside less: the case of ASCII letters, and ASCII spaces.
 */
export function nameKey(name: Name): string {
  return JSON.stringify(rdnKeys(name).map(({ key }) => key));
}

/** Whether `name` is `base` or below it; undefined when that hangs on a value without comparable text. */
export function isWithin(name: Name, base: Name): boolean | undefined {
  if (name.length < base.length) return false;
  const found = rdnKeys(name);
  let within: boolean | undefined = true;
  for (const [index, wanted] of rdnKeys(base).entries()) {
    const { key, comparable } = found[index]!;
    if (key === wanted.key) continue;
    if (comparable && wanted.comparable) return false;
    within = undefined;
  }
  return within;
}

/** RFC 4514 text, most specific first. Not escaped for a terminal. */
export function nameText(name: Name): string {
  return [...name].reverse().map((rdn) => rdn.map(attributeText).join("+")).join(",");
}

/** Values of one attribute type, in order. Undecodable ones are left out. */
export function attributeValues(name: Name, type: string): readonly string[] {
  return name.flat().flatMap((attribute) =>
    attribute.type === type && attribute.text !== undefined ? [attribute.text] : []
  );
}

function parseAttribute(set: DerReader): Attribute {
  const reader = set.enter(TAG.sequence, "an attribute");
  const type = oid(reader.read(TAG.oid, "an attribute's type").content);
  const value = reader.next("an attribute's value");
  reader.end("an attribute");
  const text = decode(value);
  return { type, der: value.whole, ...(text === undefined ? {} : { text }) };
}

function decode(value: Element): string | undefined {
  try {
    return DECODERS[value.tag]?.(value.content);
  } catch {
    // Not valid in its encoding: compared by its bytes and shown as such.
    return undefined;
  }
}

/** Made once for each name: constraints compare every name of a certificate with every one of a CA. */
const keys = new WeakMap<Name, readonly RdnKey[]>();

type RdnKey = {
  readonly key: string;
  /** Whether a key that differs is that of another name for sure. */
  readonly comparable: boolean;
};

function rdnKeys(name: Name): readonly RdnKey[] {
  let found = keys.get(name);
  if (found === undefined) keys.set(name, found = name.map(rdnKey));
  return found;
}

function rdnKey(rdn: readonly Attribute[]): RdnKey {
  const texts = rdn.map(({ text }) => text === undefined ? undefined : comparableText(text));
  const values = rdn.map(({ type, der }, index) =>
    texts[index] === undefined ? `${type}#${hex(der)}` : `${type}=${texts[index]}`
  );
  return { key: JSON.stringify(values.sort()), comparable: !texts.includes(undefined) };
}

/** UTF-16 units of a text that is prepared for comparison. Longer ones are compared as they are encoded. */
const MAX_COMPARABLE_LENGTH = 1024;

/**
 * The text as RFC 4518 2.2 to 2.6 prepare it for comparison, or undefined for one that they do not allow to be
 * compared. Characters are taken by the properties that RFC 4518 names, not by its lists, which end with Unicode
 * 3.2. Upper case made lower is the folding that RFC 5280 7.1 wants (RFC 3454 B.2): measured over all of Unicode
 * 3.2, the two tell apart the same characters, but for a dotless i, which stays, and five ideographs whose NFKC
 * was corrected since.
 */
function comparableText(text: string): string | undefined {
  // Putting marks into their order takes the square of their number (Bun 1.4.5: 32,000 took 1.5 s).
  if (text.length > MAX_COMPARABLE_LENGTH) return undefined;
  const mapped = text
    .replace(/[\t-\r\x85\p{Z}]/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u1806\uFFFC]/gu, "")
    .normalize("NFKC");
  // RFC 4518 2.4: unassigned, for private use, a surrogate, or the replacement character.
  if (/[\p{Cn}\p{Co}\p{Cs}\uFFFD]/u.test(mapped)) return undefined;
  return mapped
    .replace(/[^\u0131]+/g, (part) => part.toUpperCase().toLowerCase())
    .replace(/ +/g, " ")
    .replace(/^ | $/g, "");
}

function attributeText({ type, text, der }: Attribute): string {
  const shortName = SHORT_NAMES[type];
  // RFC 4514 2.4: a dotted type takes its value in hexadecimal.
  if (shortName === undefined || text === undefined) {
    return `${shortName ?? type}=#${hex(der).toUpperCase()}`;
  }
  const escaped = text
    .replace(/[\\"+,;<>]/g, "\\$&")
    .replace(/\0/g, "\\00")
    .replace(/^[ #]/, "\\$&")
    .replace(/(?<!^) $/, "\\ ");
  return `${shortName}=${escaped}`;
}

function latin1(content: Uint8Array): string {
  return Buffer.from(content).toString("latin1");
}

function codePoints(content: Uint8Array, width: 2 | 4): string {
  if (content.length % width !== 0) throw new RangeError("cut off");
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const parts: string[] = [];
  for (let at = 0; at < content.length; at += width) {
    parts.push(String.fromCodePoint(width === 2 ? view.getUint16(at) : view.getUint32(at)));
  }
  return parts.join("");
}
