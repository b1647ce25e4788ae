/** What timestamps claim. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { encode, encodeInteger } from "../../../plugins/_der/mod.ts";
import { describeTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { Pki } from "../../support/pki.ts";
import { stamp, tokenOf, tsaCertificate } from "./_authority.ts";
import { forge, generalizedTime, responseOf, statusOf } from "./_forge.ts";

const BYTES = Buffer.from("the bytes of a signature");

test("describeTimestamp() tells the claims of a response, and the same of its token", () => {
  using pki = new Pki();
  const response = stamp(pki, tsaCertificate(pki, pki.root()), BYTES);
  const described = describeTimestamp(response);
  assert.equal(described?.policy, "1.2.3.4.1");
  assert.equal(described?.authority, "CN=tsa,O=Example");
  assert.equal(described?.certificates[0]?.subject, "CN=tsa,O=Example");
  assert.equal(described?.serial, "10");
  assert.deepEqual(describeTimestamp(tokenOf(pki, response)), described);
});

test("describeTimestamp() needs no signature, certificate or name", () => {
  using pki = new Pki();
  const signer = tsaCertificate(pki, pki.root());
  const parts = {
    time: generalizedTime("20260102030405.6Z"),
    serial: encodeInteger(Buffer.of(0xff, 0x01)),
    signature: () => new Uint8Array(),
  };
  const alone = describeTimestamp(forge(signer, BYTES, { ...parts, certificates: [] }));
  assert.deepEqual(alone, {
    time: "2026-01-02T03:04:05.600Z",
    policy: "1.2.3.4.1",
    serial: "ff01",
    certificates: [],
  });
  const named = describeTimestamp(forge(signer, BYTES, {
    ...parts,
    extras: [encode(0xa0, encode(0x86, Buffer.from("https://tsa.example")))],
  }));
  assert.equal(named?.authority, "https://tsa.example");
  assert.equal(describeTimestamp(forge(signer, BYTES, parts))?.authority, "CN=tsa,O=Example");
});

test("describeTimestamp() gives nothing for a refusal and for what is no timestamp", () => {
  for (const bytes of [responseOf(statusOf(2)), new Uint8Array(), Buffer.from("timestamp")]) {
    assert.equal(describeTimestamp(bytes), undefined);
  }
});
