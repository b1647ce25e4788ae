import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { context, encode, encodeOid, TAG } from "../../../plugins/_der/mod.ts";
import { parseCertificate } from "../../../plugins/_x509/mod.ts";
import {
  certificateClaims,
  type Claims,
  type ClaimsResult,
} from "../../../plugins/sigstore/claims.ts";
import { extension } from "../../sigstore/certificate.ts";
import { codesFor } from "../../support/sigstore_bundles.ts";
import {
  Forge,
  FORGED_POLICY,
  type ForgedCertificate,
  fulcioText,
  fulcioUtf8,
  generalName,
} from "../../support/sigstore_forge.ts";

const FORGE = new Forge();
const ISSUER = "https://issuer.example";

function read(spec: ForgedCertificate): ClaimsResult {
  const certificate = parseCertificate(FORGE.certify(spec).der);
  assert.ok(certificate.ok, certificate.ok ? "" : certificate.issue.message);
  return certificateClaims(certificate.value);
}

function claims(spec: ForgedCertificate): Claims {
  const found = read(spec);
  assert.ok(found.ok, found.ok ? "" : found.problem);
  return found.claims;
}

/** An otherName (RFC 5280 4.2.1.6). */
function otherName(type: string, value: Uint8Array): Uint8Array {
  return encode(
    context(0, "constructed"),
    encodeOid(type),
    encode(context(0, "constructed"), value),
  );
}

function utf8String(text: string | Uint8Array): Uint8Array {
  return encode(TAG.utf8String, Buffer.from(text));
}

const USER_NAME = "1.3.6.1.4.1.57264.1.7";

test("certificateClaims() reads addresses, URIs and user names", () => {
  const workflow = "https://github.com/o/r/.github/workflows/w.yml@refs/heads/main";
  const cases: readonly (readonly [Uint8Array, string])[] = [
    [generalName(1, "dev@example.com"), "dev@example.com"],
    [generalName(6, workflow), workflow],
    [otherName(USER_NAME, utf8String("dev!example.com")), "dev!example.com"],
    [otherName(USER_NAME, utf8String("d\u00e9v")), "d\u00e9v"],
  ];
  for (const [name, identity] of cases) assert.equal(claims({ names: [name] }).identity, identity);
});

test("certificateClaims() refuses no name, several names, and names that are not a signer's", () => {
  const email = generalName(1, "dev@example.com");
  const cases: Readonly<Record<string, readonly Uint8Array[]>> = {
    "none": [],
    "two addresses": [email, generalName(1, "mallory@example.com")],
    "the same twice": [email, email],
    "an address and a URI": [email, generalName(6, "https://example.com/")],
    "a host": [generalName(2, "example.com")],
    "another kind of otherName": [otherName("1.2.3", utf8String("dev"))],
    "a user name that is no text": [otherName(USER_NAME, Buffer.of(5, 0))],
    "a user name that is not UTF-8": [otherName(USER_NAME, utf8String(Buffer.of(0xff)))],
    "an empty user name": [otherName(USER_NAME, utf8String(""))],
    "a user name with something after it": [
      otherName(USER_NAME, Buffer.concat([utf8String("dev"), Buffer.of(5, 0)])),
    ],
  };
  for (const [what, names] of Object.entries(cases)) assert.ok(!read({ names }).ok, what);
});

test("certificateClaims() reads the issuer in either form, and in both when they agree", () => {
  const forms = [
    [fulcioText(1, ISSUER)],
    [fulcioUtf8(8, ISSUER)],
    [fulcioText(1, ISSUER), fulcioUtf8(8, ISSUER)],
  ];
  for (const form of forms) assert.equal(claims({ claims: form }).issuer, ISSUER);
});

test("certificateClaims() refuses no issuer, two that disagree, and what is no text", () => {
  const cases: Readonly<Record<string, readonly Uint8Array[]>> = {
    "none": [],
    "two that disagree": [fulcioText(1, ISSUER), fulcioUtf8(8, `${ISSUER}/`)],
    "an encoding in the first form": [fulcioUtf8(1, "x"), fulcioText(8, "x")],
    "no encoding in the second form": [fulcioText(8, ISSUER)],
    "nothing in the first form": [fulcioText(1, "")],
    "nothing in the second form": [fulcioUtf8(8, "")],
    "bytes that are not UTF-8": [fulcioUtf8(8, Buffer.of(0xc0, 0x80))],
    "bytes that are not UTF-8, beside the right ones": [
      extension("1.3.6.1.4.1.57264.1.1", Buffer.of(0xff)),
      fulcioUtf8(8, ISSUER),
    ],
    "something after the text": [
      extension("1.3.6.1.4.1.57264.1.8", Buffer.concat([utf8String(ISSUER), Buffer.of(5, 0)])),
    ],
  };
  for (const [what, extensions] of Object.entries(cases)) {
    assert.ok(!read({ claims: extensions }).ok, what);
  }
});

test("certificateClaims() gives the fields of a workflow in Fulcio's order", () => {
  const { fields } = claims({
    claims: [
      fulcioUtf8(22, "public"),
      fulcioUtf8(23, "production"),
      fulcioText(4, "release"),
      fulcioText(2, "push"),
      fulcioUtf8(9, "https://github.com/o/r"),
      fulcioUtf8(8, ISSUER),
    ],
  });
  assert.deepEqual(fields, [
    ["build signer", "https://github.com/o/r"],
    ["source repository visibility", "public"],
    ["deployment environment", "production"],
    ["workflow name", "release"],
  ]);
});

test("certificateClaims() gives the older fields where there are no newer ones", () => {
  const { fields } = claims({
    claims: [
      ...[fulcioText(1, ISSUER), fulcioText(6, "refs/heads/main"), fulcioText(2, "push")],
      ...[fulcioText(3, "abc"), fulcioText(4, "release"), fulcioText(5, "o/r")],
    ],
  });
  assert.deepEqual(fields, [
    ["workflow trigger", "push"],
    ["workflow commit", "abc"],
    ["workflow name", "release"],
    ["workflow repository", "o/r"],
    ["workflow ref", "refs/heads/main"],
  ]);
});

test("certificateClaims() refuses a field that is no text", () => {
  assert.ok(!read({ claims: [fulcioUtf8(8, ISSUER), fulcioText(9, "no encoding")] }).ok);
});

test("verify() refuses certificates that do not tell who signed", async () => {
  const trust = FORGE.trust();
  const email = generalName(1, "dev@example.com");
  for (
    const spec of [
      { names: [] },
      { names: [email, generalName(1, "mallory@example.com")] },
      { names: [generalName(1, "mallory@example.com"), email] },
      { names: [generalName(2, "dev.example.com")] },
      { claims: [] },
      { claims: [fulcioText(1, ISSUER), fulcioUtf8(8, "https://evil.example")] },
      { claims: [fulcioText(1, "https://evil.example"), fulcioUtf8(8, ISSUER)] },
    ]
  ) {
    const codes = await codesFor(FORGE.bundle(FORGE.certify(spec)), trust, FORGED_POLICY);
    assert.deepEqual(codes, ["IDENTITY_MISMATCH"]);
  }
});
