import assert from "node:assert/strict";
import { test } from "node:test";
import { elements, integerValue, oidText, sequence } from "../../../plugins/_der/mod.ts";

/** SEQUENCE { OBJECT IDENTIFIER 1.2.840.10045.2.1, INTEGER 5 } */
const PAIR = Uint8Array.of(
  ...[0x30, 0x0c],
  ...[0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01],
  ...[0x02, 0x01, 0x05],
);

test("sequence() gives the elements of the one sequence that bytes are", () => {
  const [id, value, ...more] = sequence(PAIR) ?? [];
  assert.equal(oidText(id), "1.2.840.10045.2.1");
  assert.equal(integerValue(value), 5);
  assert.deepEqual(more, []);
});

test("sequence() gives undefined for anything else", () => {
  assert.equal(sequence(new Uint8Array()), undefined);
  assert.equal(sequence(PAIR.subarray(2)), undefined);
  assert.equal(sequence(Uint8Array.of(...PAIR, 0x05, 0x00)), undefined);
  for (let length = 1; length < PAIR.length; length++) {
    assert.equal(sequence(PAIR.subarray(0, length)), undefined, `${length} bytes`);
  }
});

test("elements() gives undefined for what is no row of elements", () => {
  assert.deepEqual(elements(new Uint8Array()), []);
  assert.equal(elements(Uint8Array.of(0x05)), undefined);
  assert.equal(elements(Uint8Array.of(0x1f, 0x00)), undefined);
});

test("oidText() and integerValue() give undefined for other elements and malformed content", () => {
  const [id, value] = sequence(PAIR) ?? [];
  assert.equal(oidText(value), undefined);
  assert.equal(integerValue(id), undefined);
  const [openEnded] = elements(Uint8Array.of(0x06, 0x01, 0x80)) ?? [];
  assert.equal(oidText(openEnded), undefined);
  const [negative] = elements(Uint8Array.of(0x02, 0x01, 0xff)) ?? [];
  assert.equal(integerValue(negative), undefined);
});
