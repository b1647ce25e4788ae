/** Whom timestamps are believed from, and for what time. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { encode, encodeInteger } from "../../../plugins/_der/mod.ts";
import { type TimestampAuthority, verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { derOf, Pki } from "../../support/pki.ts";
import { opensslAccepts, outcome, trusted, TSA_EXTENSIONS, tsaCertificate } from "./_authority.ts";
import { forge, generalizedTime, utcText } from "./_forge.ts";

const BYTES = Buffer.from("the bytes of a signature");
const OTHER = Buffer.from("other bytes");
const DAY = 24 * 60 * 60 * 1000;

for (
  const [what, extensions, expected] of [
    ["timeStamping alone", ["extendedKeyUsage=critical,timeStamping"], "ok"],
    ["timeStamping that is not critical", ["extendedKeyUsage=timeStamping"], "TIMESTAMP_UNTRUSTED"],
    [
      "timeStamping beside codeSigning",
      ["extendedKeyUsage=critical,timeStamping,codeSigning"],
      "TIMESTAMP_UNTRUSTED",
    ],
    ["codeSigning alone", ["extendedKeyUsage=critical,codeSigning"], "TIMESTAMP_UNTRUSTED"],
    [
      "anyExtendedKeyUsage",
      ["extendedKeyUsage=critical,anyExtendedKeyUsage"],
      "TIMESTAMP_UNTRUSTED",
    ],
    ["no extended key usage", ["keyUsage=critical,digitalSignature"], "TIMESTAMP_UNTRUSTED"],
    [
      "the key usage nonRepudiation",
      ["extendedKeyUsage=critical,timeStamping", "keyUsage=critical,nonRepudiation"],
      "ok",
    ],
    [
      "the key usage keyEncipherment",
      ["extendedKeyUsage=critical,timeStamping", "keyUsage=critical,keyEncipherment"],
      "TIMESTAMP_UNTRUSTED",
    ],
    [
      "an unknown critical extension",
      ["extendedKeyUsage=critical,timeStamping", "1.2.3.4=critical,ASN1:NULL"],
      "TIMESTAMP_UNTRUSTED",
    ],
  ] as const
) {
  test(`verifyTimestamp() decides ${expected} on a certificate with ${what}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const signer = tsaCertificate(pki, root, { extensions });
    const token = forge(signer, BYTES);
    assert.equal(outcome(await verifyTimestamp(token, BYTES, [trusted(root)])), expected);
    assert.equal(opensslAccepts(pki, token, BYTES, root, [], "token"), expected === "ok");
  });
}

test("verifyTimestamp() finds the signer by its key identifier", async () => {
  using pki = new Pki();
  const root = pki.root();
  const signer = tsaCertificate(pki, root);
  const authority = trusted(signer, root);
  const identifier = Buffer.from(authority.others[0]!.subjectKeyIdentifier!, "hex");
  const parts = { signerVersion: encodeInteger(3), id: encode(0x80, identifier) };
  for (const certificates of [[derOf(signer.certificate)], []]) {
    const token = forge(signer, BYTES, { ...parts, certificates });
    assert.equal(outcome(await verifyTimestamp(token, BYTES, [authority])), "ok");
  }
  const version1 = forge(signer, BYTES, { ...parts, signerVersion: encodeInteger(1) });
  const result = await verifyTimestamp(version1, BYTES, [authority]);
  assert.equal(outcome(result), "TIMESTAMP_MALFORMED");
});

test("verifyTimestamp() picks the signer that its attribute identifies among equals", async () => {
  using pki = new Pki();
  const root = pki.root();
  const signer = tsaCertificate(pki, root);
  // The same key certified again: the key identifier fits both.
  const again = tsaCertificate(pki, root, { key: { path: signer.key } });
  const authority = trusted(again, root);
  const identifier = Buffer.from(authority.others[0]!.subjectKeyIdentifier!, "hex");
  const token = forge(signer, BYTES, {
    signerVersion: encodeInteger(3),
    id: encode(0x80, identifier),
  });
  const result = await verifyTimestamp(token, BYTES, [authority]);
  assert.ok(result.ok);
  assert.equal(result.authorityCertificate.fingerprint, trusted(signer).anchor.fingerprint);
});

test("verifyTimestamp() judges certificates at the token's time, not now", async () => {
  using pki = new Pki();
  const root = pki.root({ from: -100, to: 100 });
  const expired = tsaCertificate(pki, root, { from: -20, to: -10 });
  const at = (days: number) => ({
    time: generalizedTime(utcText(new Date(Date.now() + days * DAY))),
  });
  for (
    const [days, expected] of [
      [-15, "ok"],
      [-25, "TIMESTAMP_UNTRUSTED"],
      [-5, "TIMESTAMP_UNTRUSTED"],
      [0, "TIMESTAMP_UNTRUSTED"],
      [200, "TIMESTAMP_UNTRUSTED"],
    ] as const
  ) {
    const result = await verifyTimestamp(forge(expired, BYTES, at(days)), BYTES, [trusted(root)]);
    assert.equal(outcome(result), expected, `${days} days from now`);
  }
});

test("verifyTimestamp() judges the CAs at the token's time, too", async () => {
  using pki = new Pki();
  const root = pki.root();
  const ca = pki.intermediate(root, { from: -20, to: -10 });
  const token = forge(tsaCertificate(pki, ca), BYTES);
  const result = await verifyTimestamp(token, BYTES, [trusted(ca, root)]);
  assert.equal(outcome(result), "TIMESTAMP_UNTRUSTED");
});

test("verifyTimestamp() believes an authority within its period only", async () => {
  using pki = new Pki();
  const root = pki.root();
  const now = new Date(Math.floor(Date.now() / 1000) * 1000);
  const token = forge(tsaCertificate(pki, root), BYTES, { time: generalizedTime(utcText(now)) });
  const shifted = (ms: number) => new Date(now.getTime() + ms);
  for (
    const [start, end, expected] of [
      [shifted(0), undefined, "ok"],
      [shifted(-1000), shifted(0), "ok"],
      [shifted(1), undefined, "TIMESTAMP_UNTRUSTED"],
      [shifted(-1000), shifted(-1), "TIMESTAMP_UNTRUSTED"],
    ] as const
  ) {
    const validFor = end === undefined ? { start } : { start, end };
    const result = await verifyTimestamp(token, BYTES, [{ ...trusted(root), validFor }]);
    assert.equal(outcome(result), expected);
  }
});

test("verifyTimestamp() takes the authority whose period fits when one is given twice", async () => {
  using pki = new Pki();
  const root = pki.root();
  const token = forge(tsaCertificate(pki, root), BYTES);
  const authorities: readonly TimestampAuthority[] = [
    { ...trusted(root), name: "past", validFor: { start: new Date(0), end: new Date(1) } },
    { ...trusted(pki.root()), name: "another" },
    { ...trusted(root), name: "present", validFor: { start: new Date(0) } },
  ];
  const result = await verifyTimestamp(token, BYTES, authorities);
  assert.ok(result.ok);
  assert.equal(result.authority, "present");
});

test("verifyTimestamp() calls a token of an unknown authority foreign", async () => {
  using pki = new Pki();
  const [root, same, other] = ["/CN=ours", "/CN=ours", "/CN=theirs"].map((subject) =>
    pki.root({ subject })
  );
  const token = forge(tsaCertificate(pki, root!), BYTES);
  for (const authorities of [[], [trusted(other!)], [trusted(same!)]]) {
    assert.equal(outcome(await verifyTimestamp(token, BYTES, authorities)), "foreign");
  }
  assert.equal(
    outcome(await verifyTimestamp(token, BYTES, [trusted(same!), trusted(root!)])),
    "ok",
  );
});

test("verifyTimestamp() does not call a token foreign that is wrong in itself", async () => {
  using pki = new Pki();
  const signer = tsaCertificate(pki, pki.root());
  const wrong = forge(signer, BYTES, { signature: () => Buffer.alloc(70, 1) });
  assert.equal(outcome(await verifyTimestamp(wrong, BYTES, [])), "TIMESTAMP_UNTRUSTED");
  assert.equal(
    outcome(await verifyTimestamp(forge(signer, OTHER), BYTES, [])),
    "TIMESTAMP_MISMATCH",
  );
});

test("verifyTimestamp() takes a signer's certificate for an anchor", async () => {
  using pki = new Pki();
  const signer = tsaCertificate(pki, pki.root());
  const token = forge(signer, BYTES);
  assert.equal(outcome(await verifyTimestamp(token, BYTES, [trusted(signer)])), "ok");
  const selfSigned = pki.root({ extensions: TSA_EXTENSIONS.slice(0, 3) });
  const own = forge(selfSigned, BYTES);
  assert.equal(outcome(await verifyTimestamp(own, BYTES, [trusted(selfSigned)])), "ok");
  assert.equal(outcome(await verifyTimestamp(own, BYTES, [trusted(signer)])), "foreign");
});

test("verifyTimestamp() refuses a chain through what is no CA for timestamps", async () => {
  using pki = new Pki();
  const root = pki.root();
  const noCa = pki.leaf(root);
  const ofCode = pki.intermediate(root, {
    extensions: ["basicConstraints=critical,CA:TRUE", "extendedKeyUsage=codeSigning"],
  });
  for (const issuer of [noCa, ofCode]) {
    const token = forge(tsaCertificate(pki, issuer), BYTES);
    const result = await verifyTimestamp(token, BYTES, [trusted(issuer, root)]);
    assert.equal(outcome(result), "TIMESTAMP_UNTRUSTED");
  }
});
