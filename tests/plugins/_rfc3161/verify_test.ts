/** Tokens that differ from a good one in one element, each judged by `openssl ts -verify` too. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  encode,
  encodeBoolean,
  encodeInteger,
  encodeOid,
  encodeSequence,
  TAG,
} from "../../../plugins/_der/mod.ts";
import { verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { derOf, type Issued, type KeyType, Pki } from "../../support/pki.ts";
import { opensslAccepts, outcome, trusted, TSA_EXTENSIONS, tsaCertificate } from "./_authority.ts";
import {
  algorithm,
  attribute,
  certificateIdV1,
  certificateIdV2,
  fieldsOf,
  forge,
  generalizedTime,
  imprintOf,
  issuerAndSerial,
  issuerSerial,
  NULL,
  octetString,
  OID,
  type Parts,
  pssWith,
  responseOf,
  retagged,
  signWith,
  statusOf,
  utcText,
} from "./_forge.ts";

const BYTES = Buffer.from("the bytes of a signature");
const OTHER = Buffer.from("other bytes");

type Case = {
  readonly name: string;
  readonly parts: (signer: Issued, other: Issued) => Partial<Parts>;
  readonly expected: "ok" | "TIMESTAMP_MALFORMED" | "TIMESTAMP_MISMATCH" | "TIMESTAMP_UNTRUSTED";
  readonly key?: KeyType;
  /** Why OpenSSL (3.0) decides otherwise. */
  readonly openssl?: string;
};

const PKCS7 = "its PKCS#7 code does not know the algorithm";

function extension(critical: boolean): Uint8Array {
  const value = octetString(NULL);
  return encode(
    0xa1,
    encodeSequence(encodeOid("1.2.3.4"), ...(critical ? [encodeBoolean(true)] : []), value),
  );
}

function timed(text: string): () => Partial<Parts> {
  return () => ({ time: generalizedTime(text) });
}

const NOW = utcText(new Date()).slice(0, 14);

const cases: readonly Case[] = [
  { name: "the token that the others differ from", parts: () => ({}), expected: "ok" },
  // Signatures.
  ...(["sha256", "sha384", "sha512"] as const).flatMap((digest): readonly Case[] => [
    { name: `ECDSA with ${digest}`, parts: () => ({ digest }), expected: "ok" },
    {
      name: `RSA without its digest, with ${digest}`,
      key: "RSA-2048",
      parts: () => ({ digest }),
      expected: "ok",
    },
    {
      name: `RSA-PSS with ${digest}`,
      key: "RSA-2048",
      parts: (signer) => ({ digest, ...pssWith(signer, digest) }),
      expected: "ok",
      openssl: PKCS7,
    },
  ]),
  {
    name: "RSA with its digest",
    key: "RSA-2048",
    parts: () => ({ signatureAlgorithm: algorithm(OID.rsaSha256, NULL) }),
    expected: "ok",
  },
  {
    name: "Ed25519",
    key: "Ed25519",
    parts: () => ({ digest: "sha512" }),
    expected: "ok",
    openssl: PKCS7,
  },
  {
    name: "a signature by another key",
    parts: (_, other) => ({ id: issuerAndSerial(other) }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  {
    name: "an empty signature",
    parts: () => ({ signature: () => new Uint8Array() }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  {
    name: "a signature over the attributes with the tag that stands there",
    parts: (signer) => ({
      signature: (signed) => signWith(signer, "sha256")(retagged(0xa0, signed)),
    }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  ...([["P-256", OID.ecSha1], ["RSA-2048", OID.rsaSha1]] as const).map(([key, id]): Case => ({
    name: `a ${key} signature with SHA-1`,
    key,
    parts: () => ({
      digest: "sha1",
      signatureAlgorithm: algorithm(id),
      digestAlgorithm: algorithm(OID.sha256),
    }),
    expected: "TIMESTAMP_UNTRUSTED",
  })),
  {
    name: "a digest of the content by SHA-1",
    parts: () => ({ digest: "sha1" }),
    expected: "TIMESTAMP_UNTRUSTED",
    openssl: "it takes SHA-1",
  },
  {
    name: "a digest algorithm with parameters",
    parts: () => ({ digestAlgorithm: algorithm(OID.sha256, encodeInteger(1)) }),
    expected: "TIMESTAMP_UNTRUSTED",
    openssl: "it does not look at them",
  },
  {
    name: "a signature algorithm with parameters",
    parts: () => ({ signatureAlgorithm: algorithm(OID.ecSha256, encodeInteger(1)) }),
    expected: "TIMESTAMP_UNTRUSTED",
    openssl: "it does not look at them",
  },
  {
    name: "a digest that the token does not list",
    parts: () => ({ digestAlgorithms: [algorithm(OID.sha512)] }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  // Signed attributes.
  {
    name: "content that its signer did not sign",
    parts: () => ({
      content: encodeSequence(
        encodeInteger(1),
        encodeOid("1.2.3.4.1"),
        imprintOf(BYTES),
        encodeInteger(8),
        generalizedTime(`${NOW}Z`),
      ),
    }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  {
    name: "no signed attributes",
    parts: () => ({ attributes: [] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "no signed attributes but the certificate's",
    parts: (signer) => ({ attributes: [certificateIdV2(signer)] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "an attribute that names another content type",
    parts: (signer) => ({
      attributes: [
        attribute(OID.contentType, encodeOid(OID.data)),
        attribute(OID.messageDigest, octetString(Buffer.alloc(32))),
        certificateIdV2(signer),
      ],
    }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "an attribute twice",
    parts: (signer) => ({ certificateIds: [certificateIdV2(signer), certificateIdV2(signer)] }),
    expected: "TIMESTAMP_MALFORMED",
    openssl: "it takes the first",
  },
  {
    name: "an attribute with two values",
    parts: (signer) => ({
      certificateIds: [certificateIdV2(signer), attribute(OID.signingTime, NULL, NULL)],
    }),
    expected: "TIMESTAMP_MALFORMED",
    openssl: "it does not look at it",
  },
  {
    name: "an attribute that nobody knows",
    parts: (signer) => ({
      certificateIds: [certificateIdV2(signer), attribute("1.2.3.4", NULL)],
    }),
    expected: "ok",
  },
  // Which certificate.
  {
    name: "the certificate's identifier in the first version",
    parts: (signer) => ({ certificateIds: [certificateIdV1(signer)] }),
    expected: "ok",
  },
  {
    name: "the certificate's identifier in both versions",
    parts: (signer) => ({ certificateIds: [certificateIdV1(signer), certificateIdV2(signer)] }),
    expected: "ok",
  },
  {
    name: "identifiers in both versions that disagree",
    parts: (signer, other) => ({
      certificateIds: [certificateIdV1(signer), certificateIdV2(other)],
    }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  ...(["sha256", "sha384", "sha512"] as const).map((digest): Case => ({
    name: `the certificate's identifier by ${digest}, named`,
    parts: (signer) => ({ certificateIds: [certificateIdV2(signer, digest)] }),
    expected: "ok",
  })),
  {
    name: "the certificate's identifier in the second version by SHA-1",
    parts: (signer) => ({ certificateIds: [certificateIdV2(signer, "sha1")] }),
    expected: "TIMESTAMP_UNTRUSTED",
    openssl: "it takes SHA-1",
  },
  {
    name: "the certificate's identifier with its issuer and serial number",
    parts: (signer) => ({
      certificateIds: [certificateIdV2(signer, undefined, issuerSerial(signer))],
    }),
    expected: "ok",
  },
  {
    name: "the certificate's identifier with another serial number",
    parts: (signer, other) => ({
      certificateIds: [certificateIdV2(signer, undefined, issuerSerial(other))],
    }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  {
    name: "the identifier of another certificate",
    parts: (_, other) => ({ certificateIds: [certificateIdV2(other)] }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
  {
    name: "no identifier of the certificate",
    parts: () => ({ certificateIds: [] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "an empty list of identifiers",
    parts: () => ({
      certificateIds: [
        attribute(OID.signingCertificateV2, encodeSequence(encodeSequence())),
      ],
    }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "the key identifier of a version 1 signer",
    parts: () => ({ id: encode(0x80, Buffer.alloc(20)) }),
    expected: "TIMESTAMP_MALFORMED",
  },
  // The frame.
  {
    name: "signed data of version 1",
    parts: () => ({ version: encodeInteger(1) }),
    expected: "TIMESTAMP_MALFORMED",
    openssl: "it does not look at it",
  },
  {
    name: "content of another type",
    parts: () => ({ contentType: encodeOid(OID.data) }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "two signers",
    parts: () => ({ signers: (signer) => [signer, signer] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "no signer",
    parts: () => ({ signers: () => [] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "a certificate that is none",
    parts: (signer) => ({ certificates: [derOf(signer.certificate), encodeSequence(NULL)] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "a certificate of another form",
    parts: (signer) => ({ certificates: [derOf(signer.certificate), encode(0xa1, NULL)] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "16 certificates",
    parts: (signer) => ({ certificates: Array(16).fill(derOf(signer.certificate)) }),
    expected: "ok",
  },
  {
    name: "17 certificates",
    parts: (signer) => ({ certificates: Array(17).fill(derOf(signer.certificate)) }),
    expected: "TIMESTAMP_MALFORMED",
    openssl: "it has no limit",
  },
  // TSTInfo.
  {
    name: "a TSTInfo of version 2",
    parts: () => ({ tstVersion: encodeInteger(2) }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "an imprint of other bytes",
    parts: () => ({ imprint: imprintOf(OTHER) }),
    expected: "TIMESTAMP_MISMATCH",
  },
  {
    name: "an imprint that is cut off",
    parts: () => ({
      imprint: encodeSequence(algorithm(OID.sha256), octetString(new Uint8Array())),
    }),
    expected: "TIMESTAMP_MISMATCH",
  },
  {
    name: "an imprint by SHA-1",
    parts: () => ({ imprint: imprintOf(BYTES, "sha1") }),
    expected: "TIMESTAMP_UNTRUSTED",
    openssl: "it takes SHA-1",
  },
  {
    name: "a serial number of 20 bytes",
    parts: () => ({ serial: encodeInteger(Buffer.alloc(20, 0xff)) }),
    expected: "ok",
  },
  {
    name: "a serial number with a leading zero",
    parts: () => ({ serial: encode(TAG.integer, Buffer.of(0, 1)) }),
    expected: "TIMESTAMP_MALFORMED",
  },
  { name: "a tenth of a second", parts: timed(`${NOW}.5Z`), expected: "ok" },
  { name: "hundredths of a second", parts: timed(`${NOW}.25Z`), expected: "ok" },
  { name: "nanoseconds", parts: timed(`${NOW}.123456789Z`), expected: "ok" },
  { name: "zeros at the end of a fraction", parts: timed(`${NOW}.500Z`), expected: "ok" },
  {
    name: "UTCTime",
    parts: () => ({ time: retagged(TAG.utcTime, generalizedTime(`${NOW.slice(2)}Z`)) }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "accuracy, ordering, nonce, name and an extension",
    parts: (signer) => ({
      extras: [
        encodeSequence(encodeInteger(1), encode(0x80, Buffer.of(5)), encode(0x81, Buffer.of(5))),
        encodeBoolean(true),
        encodeInteger(Buffer.alloc(16, 0xaa)),
        encode(0xa0, encode(0xa4, fieldsOf(signer).subject)),
        extension(false),
      ],
    }),
    expected: "ok",
  },
  {
    name: "a critical extension",
    parts: () => ({ extras: [extension(true)] }),
    expected: "TIMESTAMP_MALFORMED",
    openssl: "it does not look at extensions",
  },
  {
    name: "extras in the wrong order",
    parts: () => ({ extras: [encodeInteger(5), encodeBoolean(true)] }),
    expected: "TIMESTAMP_MALFORMED",
  },
  {
    name: "an alternative name of the certificate",
    parts: () => ({ extras: [encode(0xa0, encode(0x82, Buffer.from("tsa.example")))] }),
    expected: "ok",
  },
  {
    name: "a name that the certificate does not have",
    parts: () => ({ extras: [encode(0xa0, encode(0x82, Buffer.from("other.example")))] }),
    expected: "TIMESTAMP_UNTRUSTED",
  },
];

for (const { name, parts, expected, key = "P-256", openssl } of cases) {
  test(`verifyTimestamp() decides ${expected} on ${name}`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const extensions = [...TSA_EXTENSIONS, "subjectAltName=DNS:tsa.example"];
    const signer = tsaCertificate(pki, root, { key, extensions });
    const other = tsaCertificate(pki, root);
    const certificates = [signer, other].map(({ certificate }) => derOf(certificate));
    const token = forge(signer, BYTES, { certificates, ...parts(signer, other) });
    const result = await verifyTimestamp(token, BYTES, [trusted(root)]);
    assert.equal(outcome(result), expected, result.ok ? "" : result.issue.message);
    const agrees = opensslAccepts(pki, token, BYTES, root, [], "token") === (expected === "ok");
    assert.equal(agrees, openssl === undefined, "OpenSSL's decision");
  });
}

for (
  const [fraction, milliseconds] of [
    [".5", 500],
    [".25", 250],
    [".125", 125],
    [".0019", 1],
    [".9999999999", 999],
    [".500", 500],
  ] as const
) {
  test(`verifyTimestamp() reads the fraction ${fraction} as ${milliseconds} ms`, async () => {
    using pki = new Pki();
    const root = pki.root();
    const signer = tsaCertificate(pki, root);
    const token = forge(signer, BYTES, { time: generalizedTime(`${NOW}${fraction}Z`) });
    const result = await verifyTimestamp(token, BYTES, [trusted(root)]);
    assert.ok(result.ok);
    assert.equal(result.time.getUTCMilliseconds(), milliseconds);
    assert.equal(utcText(result.time), `${NOW}Z`);
  });
}

test("verifyTimestamp() refuses times in any other form", async () => {
  using pki = new Pki();
  const root = pki.root();
  const signer = tsaCertificate(pki, root);
  for (
    const text of [
      `${NOW}`,
      `${NOW}.Z`,
      `${NOW},5Z`,
      `${NOW}.5`,
      `${NOW}+0000`,
      `${NOW.slice(0, 12)}Z`,
      `${NOW.slice(0, 12)}.5Z`,
      "20260230120000Z",
      "20260230120000.5Z",
      "20260228126000Z",
      "20260228120060Z",
    ]
  ) {
    const token = forge(signer, BYTES, { time: generalizedTime(text) });
    const result = await verifyTimestamp(token, BYTES, [trusted(root)]);
    assert.equal(outcome(result), "TIMESTAMP_MALFORMED", text);
  }
});

test("verifyTimestamp() reads the response's frame strictly", async () => {
  using pki = new Pki();
  const root = pki.root();
  const token = forge(tsaCertificate(pki, root), BYTES);
  const text = encodeSequence(encode(TAG.utf8String, Buffer.from("why")));
  const failure = encode(TAG.bitString, Buffer.of(5, 0x20));
  for (
    const [response, expected] of [
      [responseOf(statusOf(0), token), "ok"],
      [responseOf(statusOf(1), token), "ok"],
      [responseOf(statusOf(0, text), token), "ok"],
      [responseOf(statusOf(0)), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(0), token, NULL), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(2), token), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(2)), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(2, text, failure)), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(3, failure)), "TIMESTAMP_MALFORMED"],
      [responseOf(encodeSequence(), token), "TIMESTAMP_MALFORMED"],
      [responseOf(statusOf(0, failure, text), token), "TIMESTAMP_MALFORMED"],
      [Buffer.concat([responseOf(statusOf(0), token), NULL]), "TIMESTAMP_MALFORMED"],
      [Buffer.concat([token, NULL]), "TIMESTAMP_MALFORMED"],
      [new Uint8Array(), "TIMESTAMP_MALFORMED"],
    ] as const
  ) assert.equal(outcome(await verifyTimestamp(response, BYTES, [trusted(root)])), expected);
});

test("verifyTimestamp() refuses more than 64 KiB", async () => {
  using pki = new Pki();
  const root = pki.root();
  // Its signatures are all of one length.
  const signer = tsaCertificate(pki, root, { key: "Ed25519" });
  const padded = (length: number) =>
    forge(signer, BYTES, {
      digest: "sha512",
      certificateIds: [
        certificateIdV2(signer),
        attribute(OID.signingTime, octetString(Buffer.alloc(length))),
      ],
    });
  const overhead = padded(60_000).length - 60_000;
  const largest = padded(64 * 1024 - overhead);
  assert.equal(largest.length, 64 * 1024);
  assert.equal(outcome(await verifyTimestamp(largest, BYTES, [trusted(root)])), "ok");
  const larger = padded(64 * 1024 - overhead + 1);
  assert.equal(
    outcome(await verifyTimestamp(larger, BYTES, [trusted(root)])),
    "TIMESTAMP_MALFORMED",
  );
});
