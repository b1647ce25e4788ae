/**
 * ASN.1 DER (X.690), as far as keys, certificates and revocation lists need it, and strict: a certificate has
 * one reading or none.
 *
 * Our own because of revocation lists: a general ASN.1 library builds a tree of every element, which took
 * 1.1 GB and 3.5 s for a list of 200,000 entries (asn1js 4.0.0). A reader that walks takes neither.
 */

/** Content of an OBJECT IDENTIFIER, in bytes. The longest registered ones have about 30. */
const MAX_OID_BYTES = 128;

/** Thrown for bytes that are not what they should be. Parsers catch it; it never reaches their callers. */
export class DerError extends Error {}

/** One element. Both views lie in the bytes that were read. */
export type Element = {
  /** Identifier octet: class, constructed bit and number. */
  readonly tag: number;
  readonly content: Uint8Array;
  /** Tag, length and content. */
  readonly whole: Uint8Array;
};

/** Identifier octets (X.690 8.1.2). Context-specific ones are made by {@link context}. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Reads elements one after another. */
export class DerReader {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** Tag of the next element, if there is one. */
  get nextTag(): number | undefined {
    return this.#bytes[this.#offset];
  }

  /** The next element, whatever it is. */
  next(what: string): Element {
    const bytes = this.#bytes;
    const start = this.#offset;
    const tag = bytes[start];
    const first = bytes[start + 1];
    if (tag === undefined || first === undefined) throw new DerError(`${what} is cut off`);
    if ((tag & 0x1f) === 0x1f) throw new DerError(`${what} has a multi-byte tag`);
    let length = first;
    let at = start + 2;
    if (first >= 0x80) {
      const count = first & 0x7f;
      if (count === 0 || count > 4) throw new DerError(`${what} has a length that is not DER`);
      length = 0;
      for (let index = 0; index < count; index++) length = length * 256 + (bytes[at++] ?? 0);
      // X.690 10.1: the shortest form only.
      if (length < 0x80 || length < 256 ** (count - 1)) {
        throw new DerError(`${what} has a length that is not DER`);
      }
    }
    if (at + length > bytes.length) throw new DerError(`${what} is cut off`);
    this.#offset = at + length;
    return {
      tag,
      content: bytes.subarray(at, at + length),
      whole: bytes.subarray(start, at + length),
    };
  }

  /** The next element, which must have this tag. */
  read(tag: number, what: string): Element {
    const found = this.nextTag;
    if (found !== undefined && found !== tag) {
      throw new DerError(`${what} has tag ${hex(found)}, expected ${hex(tag)}`);
    }
    return this.next(what);
  }

  /** The next element if it has this tag. */
  optional(tag: number, what: string): Element | undefined {
    return this.nextTag === tag ? this.next(what) : undefined;
  }

  /** Reads into the next element, which must have this tag. */
  enter(tag: number, what: string): DerReader {
    return new DerReader(this.read(tag, what).content);
  }

  /** Refuses anything that is left. */
  end(what: string): void {
    if (!this.done) throw new DerError(`${what} has trailing data`);
  }
}

/** Identifier octet of a context-specific tag. */
export function context(number: number, form: "primitive" | "constructed"): number {
  return (form === "constructed" ? 0xa0 : 0x80) | number;
}

/** Reads the one element that `bytes` is, and into it. */
export function readOnly(bytes: Uint8Array, tag: number, what: string): DerReader {
  const outer = new DerReader(bytes);
  const inner = outer.enter(tag, what);
  outer.end(what);
  return inner;
}

/** Dotted text of an OBJECT IDENTIFIER. */
export function oid(content: Uint8Array): string {
  if (content.length === 0 || content.length > MAX_OID_BYTES || content.at(-1)! >= 0x80) {
    throw new DerError("an object identifier is malformed");
  }
  const arcs: bigint[] = [];
  let arc = 0n;
  let starts = true;
  for (const byte of content) {
    if (starts && byte === 0x80) throw new DerError("an object identifier is not DER");
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    starts = byte < 0x80;
    if (!starts) continue;
    if (arcs.length === 0) {
      const first = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(first, arc - 40n * first);
    } else arcs.push(arc);
    arc = 0n;
  }
  return arcs.join(".");
}

/** Value of a BOOLEAN. */
export function boolean(content: Uint8Array): boolean {
  if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) {
    throw new DerError("a boolean is not DER");
  }
  return content[0] === 0xff;
}

/** Bytes of an INTEGER of any size. In DER equal numbers have equal bytes (X.690 8.3.2: the shortest form only). */
export function integer(content: Uint8Array, what: string): Uint8Array {
  const first = content[0];
  const second = content[1];
  if (
    first === undefined ||
    (second !== undefined && (first === 0 ? second < 0x80 : first === 0xff && second >= 0x80))
  ) throw new DerError(`${what} is not DER`);
  return content;
}

/** Value of an INTEGER or ENUMERATED that is not negative and below 2^31. */
export function smallInteger(content: Uint8Array, what: string): number {
  const bytes = integer(content, what);
  if (bytes[0]! > 0x7f || bytes.length > 4) throw new DerError(`${what} is out of range`);
  return bytes.reduce((value, byte) => value * 256 + byte, 0);
}

/** Bytes of a BIT STRING that holds whole bytes. */
export function octets(content: Uint8Array, what: string): Uint8Array {
  if (content[0] !== 0) throw new DerError(`${what} is not a whole number of bytes`);
  return content.subarray(1);
}

/** Numbers of the bits that are set in a named-bit BIT STRING. */
export function namedBits(content: Uint8Array, what: string): ReadonlySet<number> {
  const [unused, ...bytes] = content.subarray(0, 9);
  if (unused === undefined || unused > 7 || content.length > 9) {
    throw new DerError(`${what} is malformed`);
  }
  const bits = new Set<number>();
  for (let bit = 0; bit < bytes.length * 8 - unused; bit++) {
    if (bytes[bit >> 3]! & (0x80 >> (bit & 7))) bits.add(bit);
  }
  return bits;
}

/** A time in the two forms that RFC 5280 4.1.2.5 allows: to the second, in UTC. */
export function time(element: Element, what: string): Date {
  const text = String.fromCharCode(...element.content.subarray(0, 16));
  const form = element.tag === TAG.utcTime
    ? /^(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
    : element.tag === TAG.generalizedTime
    ? /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/
    : undefined;
  const parts = form?.exec(text)?.slice(1).map(Number);
  if (!parts) throw new DerError(`${what} is not a time`);
  const [digits = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts;
  const year = element.tag === TAG.generalizedTime
    ? digits
    : digits < 50
    ? 2000 + digits
    : 1900 + digits;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  // `Date` rolls over (31 April is 1 May): a time that comes out differently was none.
  if (date.getUTCMonth() !== month - 1 || date.getUTCDate() !== day || hour > 23 || minute > 59) {
    throw new DerError(`${what} is not a time`);
  }
  if (second > 59) throw new DerError(`${what} is not a time`);
  return date;
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}
