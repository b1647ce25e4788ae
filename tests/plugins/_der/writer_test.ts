import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import {
  boolean,
  DerReader,
  oid,
  readOnly,
  smallInteger,
  TAG,
} from "../../../plugins/_der/reader.ts";
import {
  encode,
  encodeBoolean,
  encodeInteger,
  encodeOid,
  encodeSequence,
} from "../../../plugins/_der/writer.ts";
import { openssl } from "../../support/openssl.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

for (
  const [length, header] of [
    [0, "0400"],
    [1, "0401"],
    [127, "047f"],
    [128, "048180"],
    [255, "0481ff"],
    [256, "04820100"],
    [65_535, "0482ffff"],
    [65_536, "0483010000"],
  ] as const
) {
  test(`encode() writes the shortest length of ${length} bytes`, () => {
    const encoded = encode(TAG.octetString, new Uint8Array(length));
    assert.equal(hex(encoded.subarray(0, encoded.length - length)), header);
  });
}

test("encode() puts contents one after another", () => {
  assert.equal(hex(encode(0xa1, Buffer.of(1), new Uint8Array(), Buffer.of(2, 3))), "a103010203");
  assert.equal(hex(encodeSequence()), "3000");
  assert.equal(hex(encodeSequence(encode(TAG.null), encodeBoolean(true))), "300505000101ff");
});

test("encodeInteger() writes the shortest form that is not negative", () => {
  for (
    const [value, expected] of [
      [0, "020100"],
      [1, "020101"],
      [127, "02017f"],
      [128, "02020080"],
      [255, "020200ff"],
      [256, "02020100"],
      [32_768, "0203008000"],
      [Number.MAX_SAFE_INTEGER, "02071fffffffffffff"],
      [Buffer.of(), "020100"],
      [Buffer.of(0, 0), "020100"],
      [Buffer.of(0, 0, 1), "020101"],
      [Buffer.of(0x80), "02020080"],
      [Buffer.of(0, 0x80, 0), "0203008000"],
    ] as const
  ) assert.equal(hex(encodeInteger(value)), expected);
});

test("encodeInteger() refuses numbers that are no natural ones", () => {
  for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
    assert.throws(() => encodeInteger(value), RangeError);
  }
});

test("encodeBoolean() writes both values", () => {
  assert.equal(hex(encodeBoolean(true)), "0101ff");
  assert.equal(hex(encodeBoolean(false)), "010100");
});

const IDENTIFIERS = [
  "0.0",
  "1.2.840.113549.1.9.16.1.4",
  "2.5.29.37",
  "2.16.840.1.101.3.4.2.1",
  "2.999.3",
  "1.3.6.1.4.1.57264.1.8",
];

test("encodeOid() writes what openssl writes", () => {
  for (const dotted of IDENTIFIERS) {
    const encoded = openssl(["asn1parse", "-genstr", `OID:${dotted}`, "-noout", "-out", "-"]);
    assert.equal(hex(encodeOid(dotted)), hex(encoded), dotted);
  }
});

test("reader and writer agree on object identifiers", () => {
  const arc = fc.nat({ max: 2 ** 31 - 1 });
  const start = fc.oneof(
    fc.tuple(fc.constantFrom(0, 1), fc.nat({ max: 39 })),
    fc.tuple(fc.constant(2), arc),
  );
  fc.assert(fc.property(start, fc.array(arc, { maxLength: 20 }), (first, rest) => {
    const dotted = [...first, ...rest].join(".");
    assert.equal(oid(readContent(encodeOid(dotted), TAG.oid)), dotted);
  }));
});

test("reader and writer agree on integers", () => {
  fc.assert(fc.property(fc.nat({ max: 2 ** 31 - 1 }), (value) => {
    assert.equal(smallInteger(readContent(encodeInteger(value), TAG.integer), "it"), value);
  }));
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    const read = hex(readContent(encodeInteger(bytes), TAG.integer));
    assert.equal(BigInt(`0x${read}`), BigInt(`0x0${hex(bytes)}`));
    assert.match(read, /^(?:00(?:[89a-f].*)?|0[1-9a-f].*|[1-7].*)$/);
  }));
});

test("reader and writer agree on booleans", () => {
  for (const value of [true, false]) {
    assert.equal(boolean(readContent(encodeBoolean(value), TAG.boolean)), value);
  }
});

/** A tree of elements: bytes in primitive ones, elements in constructed ones. */
type Tree = { readonly tag: number; readonly content: Uint8Array | readonly Tree[] };

const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.record({
      tag: fc.constantFrom<number>(TAG.octetString, TAG.utf8String, 0x80, 0x9e, 0x5e),
      content: fc.uint8Array({ maxLength: 300 }),
    }),
    fc.record({
      tag: fc.constantFrom<number>(TAG.sequence, TAG.set, 0xa0, 0xbe),
      content: fc.array(tie("tree"), { maxLength: 4 }),
    }),
  ),
}));

test("what the writer nests, the reader takes apart", () => {
  fc.assert(fc.property(tree, (wanted) => {
    const reader = new DerReader(write(wanted));
    check(reader, wanted);
    assert.ok(reader.done);
  }));
});

function write({ tag, content }: Tree): Uint8Array {
  return content instanceof Uint8Array ? encode(tag, content) : encode(tag, ...content.map(write));
}

function check(reader: DerReader, { tag, content }: Tree): void {
  const element = reader.read(tag, "it");
  if (content instanceof Uint8Array) {
    assert.equal(hex(element.content), hex(content));
    return;
  }
  const inner = new DerReader(element.content);
  for (const child of content) check(inner, child);
  assert.ok(inner.done);
}

/** Content of the one element that `der` is. */
function readContent(der: Uint8Array, tag: number): Uint8Array {
  const wrapped = readOnly(encodeSequence(der), TAG.sequence, "it");
  const { content } = wrapped.read(tag, "it");
  wrapped.end("it");
  return content;
}
