/** As much of DER (X.690) as private keys need. */

/** One element. `body` is the content; `whole` includes tag and length. */
export type Element = {
  readonly tag: number;
  readonly body: Uint8Array;
  readonly whole: Uint8Array;
};

/** Tags of the elements that keys are made of. */
export const TAG = {
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  sequence: 0x30,
  /** `[0]`: the curve in a SEC1 key, the version in a certificate. */
  zero: 0xa0,
} as const;

/** The elements one after another in `bytes`, or undefined when that is not what `bytes` is. */
export function elements(bytes: Uint8Array): readonly Element[] | undefined {
  const found: Element[] = [];
  for (let at = 0; at < bytes.length;) {
    const element = elementAt(bytes, at);
    if (element === undefined) return undefined;
    found.push(element);
    at += element.whole.length;
  }
  return found;
}

/** The elements of the one SEQUENCE that `bytes` is, or undefined. */
export function sequence(bytes: Uint8Array): readonly Element[] | undefined {
  const outer = elements(bytes);
  const [only] = outer ?? [];
  return outer?.length === 1 && only?.tag === TAG.sequence ? elements(only.body) : undefined;
}

/** Dotted text of an OBJECT IDENTIFIER's content. */
export function oidText(body: Uint8Array): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of body) {
    arc = arc * 128 + (byte & 0x7f);
    if (byte < 0x80) {
      if (arcs.length === 0) arcs.push(Math.min(Math.floor(arc / 40), 2));
      arcs.push(arcs.length === 1 ? arc - arcs[0]! * 40 : arc);
      arc = 0;
    }
  }
  return arcs.join(".");
}

/** Value of a small non-negative INTEGER's content, or undefined. */
export function integerValue(body: Uint8Array): number | undefined {
  if (body.length === 0 || body.length > 6 || body[0]! > 0x7f) return undefined;
  return body.reduce((value, byte) => value * 256 + byte, 0);
}

function elementAt(bytes: Uint8Array, at: number): Element | undefined {
  const tag = bytes[at];
  const first = bytes[at + 1];
  if (tag === undefined || first === undefined || (tag & 0x1f) === 0x1f) return undefined;
  let length = first;
  let start = at + 2;
  if (first >= 0x80) {
    const count = first & 0x7f;
    if (count === 0 || count > 4) return undefined;
    length = 0;
    for (let index = 0; index < count; index++) length = length * 256 + (bytes[start++] ?? 0);
  }
  if (start + length > bytes.length) return undefined;
  return {
    tag,
    body: bytes.subarray(start, start + length),
    whole: bytes.subarray(at, start + length),
  };
}
