/** Answers of authorities. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { printable } from "../../../core/text.ts";
import { encode, encodeSequence, TAG } from "../../../plugins/_der/mod.ts";
import { readResponse } from "../../../plugins/_rfc3161/response.ts";
import { Pki } from "../../support/pki.ts";
import { query, reply, tsaCertificate } from "./_authority.ts";
import { responseOf, statusOf } from "./_forge.ts";

function refusalIn(response: Uint8Array): string {
  const read = readResponse(response);
  assert.equal(read.token, undefined);
  return "refusal" in read ? read.refusal : "";
}

test("readResponse() passes on what openssl says when it refuses", () => {
  using pki = new Pki();
  const tsa = tsaCertificate(pki, pki.root());
  const response = reply(pki, tsa, query(pki, Buffer.from("x")), { accepts: "sha512" });
  assert.ok(refusalIn(response).includes("Message digest algorithm is not supported."));
});

test("readResponse() tells failures apart by their bits", () => {
  const failures = [0, 2, 5, 14, 15, 16, 17, 25, 30].map((bit) => {
    const bits = Buffer.alloc(5);
    bits[1 + (bit >> 3)]! |= 0x80 >> (bit & 7);
    return refusalIn(responseOf(statusOf(2, encode(TAG.bitString, bits))));
  });
  assert.equal(new Set(failures).size, failures.length);
  assert.ok(failures.every((failure) => failure !== refusalIn(responseOf(statusOf(2)))));
});

test("readResponse() gives words that are short and safe to print", () => {
  const long = encode(TAG.utf8String, Buffer.from("\x1b[2J\u202e".repeat(500)));
  const invalid = encode(TAG.utf8String, Buffer.of(0xff, 0xfe));
  const texts = encodeSequence(...Array(10).fill(long), invalid);
  const refusal = refusalIn(responseOf(statusOf(2, texts)));
  assert.equal(printable(refusal), refusal);
  assert.ok(refusal.length < 10_000);
});
