/** A token with one thing wrong, at every place. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import fc from "fast-check";
import { printable } from "../../../core/text.ts";
import { DerReader, encode } from "../../../plugins/_der/mod.ts";
import { describeTimestamp, verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { mutated } from "../../fuzz/_mutated.ts";
import { Pki } from "../../support/pki.ts";
import { stamp, tokenOf, trusted, tsaCertificate } from "./_authority.ts";

const BYTES = Buffer.from("the bytes of a signature");

for (const key of ["P-256", "RSA-2048"] as const) {
  test(`verifyTimestamp() refuses a token of ${key} with any byte exchanged`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const ca = pki.intermediate(root);
    const response = stamp(pki, tsaCertificate(pki, ca, { key }), BYTES, { chain: [ca] });
    const token = tokenOf(pki, response);
    const authorities = [trusted(root)];
    assert.ok((await verifyTimestamp(token, BYTES, authorities)).ok);
    for (const [index, byte] of token.entries()) {
      for (const flip of [0x01, 0x80]) {
        const flipped = token.with(index, byte ^ flip);
        const result = await verifyTimestamp(flipped, BYTES, authorities);
        assert.ok(!result.ok, `byte ${index} of ${token.length} ^ ${flip}`);
        assert.equal(printable(result.issue.message), result.issue.message);
      }
    }
  });
}

test("verifyTimestamp() refuses a response whose frame has any byte exchanged", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES);
  const frame = response.length - tokenOf(pki, response).length;
  assert.ok((await verifyTimestamp(response, BYTES, [trusted(root)])).ok);
  for (const [index, byte] of response.subarray(0, frame).entries()) {
    for (const bit of [0, 1, 2, 3, 4, 5, 6, 7]) {
      const result = await verifyTimestamp(
        response.with(index, byte ^ (1 << bit)),
        BYTES,
        [trusted(root)],
      );
      // The lowest bit of the status makes it "granted with modifications".
      const granted = index === frame - 1 && bit === 0;
      assert.equal(result.ok, granted, `bit ${bit} of byte ${index}`);
    }
  }
});

test("verifyTimestamp() refuses a response that is cut off anywhere", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES);
  for (let length = 0; length < response.length; length++) {
    const result = await verifyTimestamp(response.subarray(0, length), BYTES, [trusted(root)]);
    assert.ok(!result.ok && !result.foreign);
    assert.equal(result.issue.code, "TIMESTAMP_MALFORMED");
  }
});

test("verifyTimestamp() refuses one element too many, in any element", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES);
  const longer = [...withOneMore(response), Buffer.concat([response, Buffer.of(0)])];
  assert.ok(longer.length > 30);
  for (const [index, bytes] of longer.entries()) {
    const result = await verifyTimestamp(bytes, BYTES, [trusted(root)]);
    assert.ok(!result.ok, `element ${index}`);
  }
});

test("verifyTimestamp() and describeTimestamp() throw for no bytes at all", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES);
  const seeds = [response, tokenOf(pki, response)];
  await fc.assert(
    fc.asyncProperty(mutated(seeds), async (bytes) => {
      describeTimestamp(bytes);
      const result = await verifyTimestamp(bytes, BYTES, [trusted(root)]);
      if (result.ok) return;
      assert.match(result.issue.code, /^TIMESTAMP_/);
      assert.equal(printable(result.issue.message), result.issue.message);
      assert.ok(result.issue.message.length < 2000);
    }),
    { numRuns: 500 },
  );
});

/** The element with an empty OCTET STRING added at the end, then with one added at the end of each constructed element in it. */
function* withOneMore(der: Uint8Array): Generator<Uint8Array> {
  const { tag, content } = new DerReader(der).next("it");
  if ((tag & 0x20) === 0) return;
  yield encode(tag, content, Buffer.of(4, 0));
  const reader = new DerReader(content);
  for (let at = 0; !reader.done;) {
    const inner = reader.next("it").whole;
    const [before, after] = [content.subarray(0, at), content.subarray(at + inner.length)];
    for (const changed of withOneMore(inner)) yield encode(tag, before, changed, after);
    at += inner.length;
  }
}
