/** The layouts of PKCS#11 2.40 on Unix and on Windows, counted by hand from the specification's structures. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  allocate,
  layout,
  readInteger,
  Structure,
  UNIX,
  WINDOWS,
  writeInteger,
} from "../../../plugins/pkcs11/layout.ts";
import { type Structures, structures } from "../../../plugins/pkcs11/structures.ts";

/** Sizes, and offsets of the members that are used. */
type Expected = Readonly<
  Record<keyof Structures, readonly [size: number, offsets: Readonly<Record<string, number>>]>
>;

const ON_UNIX: Expected = {
  attribute: [24, { type: 0, value: 8, length: 16 }],
  initializeArgs: [48, { createMutex: 0, flags: 32, reserved: 40 }],
  info: [88, { manufacturer: 2, flags: 40, libraryDescription: 48, libraryVersion: 80 }],
  slotInfo: [112, { description: 0, manufacturer: 64, flags: 96, hardwareVersion: 104 }],
  tokenInfo: [208, {
    label: 0,
    manufacturer: 32,
    model: 64,
    serial: 80,
    flags: 96,
    maxPinBytes: 136,
    minPinBytes: 144,
    hardwareVersion: 184,
    utcTime: 188,
  }],
  functionList: [16, { version: 0, functions: 8 }],
};

const ON_WINDOWS: Expected = {
  attribute: [16, { type: 0, value: 4, length: 12 }],
  initializeArgs: [44, { createMutex: 0, flags: 32, reserved: 36 }],
  info: [72, { manufacturer: 2, flags: 34, libraryDescription: 38, libraryVersion: 70 }],
  slotInfo: [104, { description: 0, manufacturer: 64, flags: 96, hardwareVersion: 100 }],
  tokenInfo: [160, {
    label: 0,
    manufacturer: 32,
    model: 64,
    serial: 80,
    flags: 96,
    maxPinBytes: 116,
    minPinBytes: 120,
    hardwareVersion: 140,
    utcTime: 144,
  }],
  functionList: [10, { version: 0, functions: 2 }],
};

for (
  const [name, abi, expected] of [["Unix", UNIX, ON_UNIX], [
    "Windows",
    WINDOWS,
    ON_WINDOWS,
  ]] as const
) {
  const found = structures(abi);
  for (const [structure, [size, offsets]] of Object.entries(expected)) {
    test(`structures() lays out ${structure} as on ${name}`, () => {
      const { size: found_, places } = found[structure as keyof Structures];
      assert.equal(found_, size);
      const all = places as Readonly<Record<string, { offset: number }>>;
      const at = Object.keys(offsets).map((member) => [member, all[member]?.offset]);
      assert.deepEqual(Object.fromEntries(at), offsets);
    });
  }

  test(`Structure writes attributes where ${name} looks for them`, () => {
    const { attribute } = found;
    const memory = allocate(2 * attribute.size);
    const second = new Structure(attribute, memory, 1);
    second.setInteger("type", 0x102n);
    second.setInteger("value", 0x1122_3344_5566_7788n);
    second.setInteger("length", 3n);
    const ulong = abi.ulongBytes === 4 ? "" : "00000000";
    assert.equal(
      Buffer.from(memory).toString("hex"),
      "00".repeat(attribute.size) + `02010000${ulong}` + "8877665544332211" + `03000000${ulong}`,
    );
    assert.equal(second.integer("value"), 0x1122_3344_5566_7788n);
    assert.equal(new Structure(attribute, memory).integer("type"), 0n);
  });
}

test("layout() aligns members, and the end for the next of an array", () => {
  const members = { a: 1, b: "ulong", c: 3, d: "pointer", e: 1 } as const;
  const unix = layout(members, UNIX);
  assert.deepEqual(Object.values(unix.places).map(({ offset }) => offset), [0, 8, 16, 24, 32]);
  assert.equal(unix.size, 40);
  const windows = layout(members, WINDOWS);
  assert.deepEqual(Object.values(windows.places).map(({ offset }) => offset), [0, 1, 5, 8, 16]);
  assert.equal(windows.size, 17);
});

test("Structure.text() takes padding away, and nothing else", () => {
  const structure = new Structure(layout({ label: 8 }, UNIX));
  for (
    const [stored, text] of [["a b     ", "a b"], ["a\0\0\0\0\0\0\0", "a"], [
      " a      ",
      " a",
    ]] as const
  ) {
    structure.bytes("label").set(Buffer.from(stored));
    assert.equal(structure.text("label"), text);
  }
});

test("integers of 4 and 8 bytes are little-endian and without a sign", () => {
  for (const [size, value] of [[4, 0xffff_fffen], [8, (1n << 64n) - 2n]] as const) {
    const bytes = allocate(size);
    writeInteger(bytes, value);
    assert.equal(bytes[0], 0xfe);
    assert.equal(readInteger(bytes), value);
  }
});
