/** Writing DER (X.690): what is needed to ask for timestamps, and to rebuild what a log has signed. */

import { Buffer } from "node:buffer";
import { TAG } from "./reader.ts";

/** One element with its tag and length. */
export function encode(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(contents);
  return Buffer.concat([Buffer.of(tag), encodeLength(content.length), content]);
}

/** A SEQUENCE of elements. */
export function encodeSequence(...elements: readonly Uint8Array[]): Uint8Array {
  return encode(TAG.sequence, ...elements);
}

/** An INTEGER that is not negative: a number, or the big-endian bytes of a larger one. */
export function encodeInteger(value: number | Uint8Array): Uint8Array {
  let bytes = typeof value === "number" ? bigEndian(value) : value;
  let start = 0;
  while (start < bytes.length - 1 && bytes[start] === 0) start++;
  bytes = bytes.subarray(start);
  // X.690 8.3: a leading one bit would make it negative.
  const sign = bytes.length === 0 || bytes[0]! > 0x7f ? [Buffer.of(0)] : [];
  return encode(TAG.integer, ...sign, bytes);
}

/** An OBJECT IDENTIFIER from its dotted text. */
export function encodeOid(dotted: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return encode(TAG.oid, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

/** A BOOLEAN. */
export function encodeBoolean(value: boolean): Uint8Array {
  return encode(TAG.boolean, Buffer.of(value ? 0xff : 0));
}

function base128(arc: number): readonly number[] {
  const septets = [arc % 128];
  for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
    septets.unshift((rest % 128) + 128);
  }
  return septets;
}

function encodeLength(length: number): Uint8Array {
  if (length < 0x80) return Buffer.of(length);
  const bytes = bigEndian(length);
  return Buffer.concat([Buffer.of(0x80 | bytes.length), bytes]);
}

function bigEndian(value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError("not a natural number");
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, "hex");
}
