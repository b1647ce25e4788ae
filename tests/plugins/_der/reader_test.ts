import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import {
  boolean,
  DerError,
  DerReader,
  type Element,
  integer,
  namedBits,
  octets,
  oid,
  smallInteger,
  time,
} from "../../../plugins/_der/reader.ts";

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

test("DerReader reads elements with short and long lengths", () => {
  const long = `30 82 0100 ${"00".repeat(256)}`;
  const reader = new DerReader(bytes(`02 01 05  04 81 80 ${"aa".repeat(128)} ${long}`));
  assert.deepEqual(reader.next("x").content, bytes("05"));
  assert.equal(reader.next("x").content.length, 128);
  assert.equal(reader.next("x").whole.length, 260);
  assert.ok(reader.done);
});

for (
  const [what, hex] of [
    ["nothing", ""],
    ["a tag alone", "30"],
    ["content that is cut off", "30 02 00"],
    ["a length that is cut off", "30 82 01"],
    ["an indefinite length", "30 80 00 00"],
    ["a long length below 128", "04 81 01 00"],
    ["a length with a leading zero", `04 82 00 80 ${"00".repeat(128)}`],
    ["a length of five bytes", "04 85 01 00 00 00 00"],
    ["a reserved length", "04 ff"],
    ["a tag of several bytes", "1f 81 01 00"],
  ] as const
) {
  test(`DerReader refuses ${what}`, () => {
    assert.throws(() => new DerReader(bytes(hex)).next("x"), DerError);
  });
}

test("DerReader refuses another tag, and what is left over", () => {
  assert.throws(() => new DerReader(bytes("02 01 05")).read(0x30, "x"), DerError);
  assert.throws(() => new DerReader(bytes("02 01 05")).end("x"), DerError);
  assert.equal(new DerReader(bytes("02 01 05")).optional(0x30, "x"), undefined);
});

test("DerReader throws nothing but DerError, and ends", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (input) => {
    const reader = new DerReader(input);
    try {
      while (!reader.done) reader.next("x");
    } catch (error) {
      assert.ok(error instanceof DerError);
    }
  }));
});

test("oid() gives dotted text, with large arcs", () => {
  assert.equal(oid(bytes("55 1d 13")), "2.5.29.19");
  assert.equal(oid(bytes("2a 86 48 86 f7 0d 01 01 0b")), "1.2.840.113549.1.1.11");
  assert.equal(oid(bytes("88 37 03")), "2.999.3");
  // UUID-based identifiers have arcs of 128 bits.
  assert.equal(
    oid(bytes("69 83 ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff ff 7f")),
    "2.25.340282366920938463463374607431768211455",
  );
});

test("oid() refuses what is not DER", () => {
  for (const hex of ["", "80 01", "55 80 01", "55 81", "01".repeat(129)]) {
    assert.throws(() => oid(bytes(hex)), DerError, hex);
  }
});

test("boolean(), integer(), smallInteger() and octets() refuse what is not DER", () => {
  assert.equal(boolean(bytes("ff")), true);
  assert.equal(boolean(bytes("00")), false);
  assert.equal(smallInteger(bytes("7f"), "x"), 127);
  assert.equal(smallInteger(bytes("00 80"), "x"), 128);
  for (const hex of ["00", "7f", "ff", "00 80", "ff 7f", "01".repeat(20)]) {
    assert.deepEqual(integer(bytes(hex), "x"), bytes(hex));
  }
  assert.deepEqual(octets(bytes("00 aa"), "x"), bytes("aa"));
  for (const hex of ["", "01", "ff ff"]) assert.throws(() => boolean(bytes(hex)), DerError);
  for (const hex of ["", "80", "00 7f", "01 00 00 00 00"]) {
    assert.throws(() => smallInteger(bytes(hex), "x"), DerError);
  }
  for (const hex of ["", "00 00", "00 7f", "ff 80", "ff ff"]) {
    assert.throws(() => integer(bytes(hex), "x"), DerError);
  }
  for (const hex of ["", "01 aa"]) assert.throws(() => octets(bytes(hex), "x"), DerError);
});

test("namedBits() counts from the most significant bit and honours unused ones", () => {
  assert.deepEqual([...namedBits(bytes("07 80"), "x")], [0]);
  assert.deepEqual([...namedBits(bytes("01 06"), "x")], [5, 6]);
  assert.deepEqual([...namedBits(bytes("07 00 80"), "x")], [8]);
  assert.deepEqual([...namedBits(bytes("00"), "x")], []);
  assert.throws(() => namedBits(bytes(""), "x"), DerError);
  assert.throws(() => namedBits(bytes("08 80"), "x"), DerError);
});

function timeOf(tag: number, text: string): Date {
  const element: Element = { tag, content: Buffer.from(text), whole: new Uint8Array() };
  return time(element, "x");
}

test("time() reads both forms and the pivot year 1950", () => {
  assert.equal(timeOf(0x17, "491231235959Z").toISOString(), "2049-12-31T23:59:59.000Z");
  assert.equal(timeOf(0x17, "500101000000Z").toISOString(), "1950-01-01T00:00:00.000Z");
  assert.equal(timeOf(0x18, "99991231235959Z").toISOString(), "9999-12-31T23:59:59.000Z");
  assert.equal(timeOf(0x18, "00990101000000Z").getUTCFullYear(), 99);
  assert.equal(timeOf(0x17, "240229000000Z").toISOString(), "2024-02-29T00:00:00.000Z");
});

test("time() refuses other forms and dates that do not exist", () => {
  for (
    const [tag, text] of [
      [0x17, "2401010000Z"],
      [0x17, "240101000000+0000"],
      [0x17, "20240101000000Z"],
      [0x18, "20240101000000.5Z"],
      [0x18, "240101000000Z"],
      [0x17, "230229000000Z"],
      [0x17, "241301000000Z"],
      [0x17, "240001000000Z"],
      [0x17, "240100000000Z"],
      [0x17, "240101240000Z"],
      [0x17, "240101006000Z"],
      [0x17, "240101000060Z"],
      [0x17, ""],
      [0x13, "240101000000Z"],
    ] as const
  ) assert.throws(() => timeOf(tag, text), DerError, text);
});
