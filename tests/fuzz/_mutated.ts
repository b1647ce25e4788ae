/** Byte strings near good ones. */

import { Buffer } from "node:buffer";
import fc from "fast-check";

type Mutation = (bytes: Uint8Array) => Uint8Array;

/** Text that means something to one of the formats. */
const TOKENS: readonly string[] = [
  ...'{}[]",:\\0-=+/',
  '""',
  "null",
  "1e999",
  "-1",
  "[[[[",
  '"a":1,',
  '"\\ud800"',
  "\\u0000",
  "../",
  "/",
  ":0:4",
  "\ufffd",
  "\u202e",
  "\u001b[2J",
  "-----BEGIN PRIVATE KEY-----\n",
  "-----END PRIVATE KEY-----\n",
];

const CHUNK = fc.oneof(
  fc.constantFrom(...TOKENS).map((token): Uint8Array => Buffer.from(token)),
  fc.uint8Array({ maxLength: 4 }),
  // Tags and lengths of DER.
  fc.constantFrom<readonly number[]>([0x30, 0x80], [0x02, 0x84, 0xff, 0xff, 0xff, 0xff], [0x30, 0])
    .map((bytes) => Uint8Array.from(bytes)),
);

const MUTATION: fc.Arbitrary<Mutation> = fc.tuple(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.nat(8),
  CHUNK,
)
  .chain(([place, removed, chunk]) => {
    const at = (bytes: Uint8Array) => Math.floor(place * bytes.length);
    return fc.constantFrom<Mutation>(
      // Insert, replace, flip a bit, cut, repeat.
      (bytes) => splice(bytes, at(bytes), 0, chunk),
      (bytes) => splice(bytes, at(bytes), chunk.length + removed, chunk),
      (bytes) =>
        bytes.map((byte, index) => index === at(bytes) ? byte ^ (1 << (removed & 7)) : byte),
      (bytes) => bytes.subarray(0, at(bytes)),
      (bytes) => splice(bytes, at(bytes), 0, bytes.subarray(at(bytes), at(bytes) + 40)),
    );
  });

/** Random bytes, and `good` ones after a few mutations. */
export function mutated(good: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const near = fc.tuple(
    fc.constantFrom(...good),
    fc.array(MUTATION, { minLength: 1, maxLength: 3 }),
  )
    .map(([bytes, mutations]) => mutations.reduce((value, mutate) => mutate(value), bytes));
  return fc.oneof({ weight: 9, arbitrary: near }, { weight: 1, arbitrary: fc.uint8Array() });
}

function splice(bytes: Uint8Array, at: number, removed: number, added: Uint8Array): Uint8Array {
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)]);
}
