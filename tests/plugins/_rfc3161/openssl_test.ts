/** Timestamps by the real `openssl ts`, each judged by `openssl ts -verify` too. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { type KeyType, Pki } from "../../support/pki.ts";
import { load } from "../../support/x509.ts";
import {
  opensslAccepts,
  stamp,
  tokenOf,
  trusted,
  tsaCertificate,
  type TsaSpec,
} from "./_authority.ts";

const BYTES = Buffer.from("the bytes of a signature");

for (
  const [key, spec] of [
    ["P-256", {}],
    ["P-256", { digest: "sha512", digits: 1 }],
    ["P-384", { digest: "sha384", digits: 2 }],
    ["P-384", { idDigest: "sha1", digits: 6 }],
    ["P-521", { digest: "sha512", idDigest: "sha512" }],
    ["P-521", { digest: "sha256" }],
    ["RSA-2048", { digits: 3 }],
    ["RSA-2048", { digest: "sha384", idDigest: "sha384" }],
    ["RSA-3072", { digest: "sha512", idDigest: "sha1" }],
  ] as const satisfies readonly (readonly [KeyType, TsaSpec])[]
) {
  test(`verifyTimestamp() accepts a token with ${key} and ${JSON.stringify(spec)}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const tsa = tsaCertificate(pki, root, { key });
    const before = Math.floor(Date.now() / 1000) * 1000;
    const response = stamp(pki, tsa, BYTES, spec);
    const after = Date.now();
    assert.ok(opensslAccepts(pki, response, BYTES, root));
    const result = await verifyTimestamp(response, BYTES, [trusted(root)]);
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.authority, "the test authority");
    assert.equal(result.authorityCertificate.fingerprint, load(tsa).fingerprint);
    assert.ok(result.time.getTime() >= before && result.time.getTime() <= after);
  });
}

for (const digest of ["sha256", "sha384", "sha512"] as const) {
  test(`verifyTimestamp() accepts an imprint by ${digest}, and for these bytes only`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const response = stamp(pki, tsaCertificate(pki, root), BYTES, { asked: { digest } });
    assert.ok((await verifyTimestamp(response, BYTES, [trusted(root)])).ok);
    for (const other of [new Uint8Array(), BYTES.subarray(1), Buffer.concat([BYTES, BYTES])]) {
      assert.equal(opensslAccepts(pki, response, other, root), false);
      const result = await verifyTimestamp(response, other, [trusted(root)]);
      assert.ok(!result.ok && !result.foreign);
      assert.equal(result.issue.code, "TIMESTAMP_MISMATCH");
    }
  });
}

test("verifyTimestamp() refuses an imprint by SHA-1", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES, {
    asked: { digest: "sha1" },
    accepts: "sha1",
  });
  assert.ok(opensslAccepts(pki, response, BYTES, root));
  const result = await verifyTimestamp(response, BYTES, [trusted(root)]);
  assert.ok(!result.ok && !result.foreign);
  assert.equal(result.issue.code, "TIMESTAMP_UNTRUSTED");
});

test("verifyTimestamp() takes the signer's certificate from the authority's own", async () => {
  using pki = new Pki();
  const root = pki.root();
  const tsa = tsaCertificate(pki, root);
  const response = stamp(pki, tsa, BYTES, { asked: { certificate: false } });
  assert.ok(opensslAccepts(pki, response, BYTES, root, [tsa]));
  const known = await verifyTimestamp(response, BYTES, [trusted(tsa, root)]);
  assert.ok(known.ok);
  assert.equal(opensslAccepts(pki, response, BYTES, root), false);
  const unknown = await verifyTimestamp(response, BYTES, [trusted(root)]);
  assert.ok(!unknown.ok && unknown.foreign);
  assert.equal(unknown.issue.code, "TIMESTAMP_UNTRUSTED");
});

test("verifyTimestamp() finds intermediates in the token and among the authority's own", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root, { subject: "/CN=intermediate" });
  const tsa = tsaCertificate(pki, ca, { key: "P-384" });
  const inside = stamp(pki, tsa, BYTES, { chain: [ca], idChain: true });
  assert.ok(opensslAccepts(pki, inside, BYTES, root));
  assert.ok((await verifyTimestamp(inside, BYTES, [trusted(root)])).ok);
  const alone = stamp(pki, tsa, BYTES);
  assert.ok(opensslAccepts(pki, alone, BYTES, root, [ca]));
  assert.ok((await verifyTimestamp(alone, BYTES, [trusted(ca, root)])).ok);
  assert.equal(opensslAccepts(pki, alone, BYTES, root), false);
  const gap = await verifyTimestamp(alone, BYTES, [trusted(root)]);
  assert.ok(!gap.ok && gap.foreign);
});

test("verifyTimestamp() reads a token without the frame of a response, too", async () => {
  using pki = new Pki();
  const root = pki.root();
  const response = stamp(pki, tsaCertificate(pki, root), BYTES);
  const token = tokenOf(pki, response);
  assert.ok(token.length < response.length);
  assert.ok(opensslAccepts(pki, token, BYTES, root, [], "token"));
  const [framed, bare] = await Promise.all([
    verifyTimestamp(response, BYTES, [trusted(root)]),
    verifyTimestamp(token, BYTES, [trusted(root)]),
  ]);
  assert.ok(framed.ok && bare.ok);
  assert.equal(framed.key, bare.key);
});

test("verifyTimestamp() gives different keys for different tokens over the same bytes", async () => {
  using pki = new Pki();
  const root = pki.root();
  const tsas = [tsaCertificate(pki, root), tsaCertificate(pki, root)];
  const results = await Promise.all(
    tsas.map((tsa) => verifyTimestamp(stamp(pki, tsa, BYTES), BYTES, [trusted(root)])),
  );
  const keys = results.map((result) => result.ok && result.key);
  assert.equal(new Set(keys).size, 2);
  assert.ok(!keys.includes(false));
});
