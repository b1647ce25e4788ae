import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import { test } from "node:test";
import { parseIdentityToken } from "../../../../plugins/sigstore/oidc/mod.ts";
import { base64url, CLAIMS, compact, DAY, fault, ISSUER, jwt, NOW, secret } from "./_token.ts";

const AUDIENCE = "sigstore";

function parse(text: string, now = new Date(NOW * 1000)) {
  return parseIdentityToken(secret(text), AUDIENCE, now);
}

test("parseIdentityToken() reads issuer, subject and times", () => {
  const token = parse(jwt());
  assert.equal(token.issuer, ISSUER);
  assert.equal(token.subject, "repo:example/models");
  assert.equal(token.email, undefined);
  assert.deepEqual(token.expires, new Date((NOW + DAY) * 1000));
  assert.deepEqual(token.issued, new Date(NOW * 1000));
});

test("parseIdentityToken() takes the email address for the subject", () => {
  for (const verified of [true, "true", undefined]) {
    const token = parse(jwt({ email: "me@example.com", email_verified: verified }));
    assert.equal(token.subject, "me@example.com");
    assert.equal(token.email, "me@example.com");
  }
});

test("parseIdentityToken() takes an empty email address for none", () => {
  const token = parse(jwt({ email: "", email_verified: false }));
  assert.equal(token.subject, "repo:example/models");
  assert.ok(!("email" in token));
});

test("parseIdentityToken() finds its audience in a list", () => {
  assert.equal(parse(jwt({ aud: ["other", AUDIENCE] })).issuer, ISSUER);
});

test("parseIdentityToken() takes fractions of seconds, and a token that does not say when it began", () => {
  const token = parse(jwt({ exp: NOW + 10.5, iat: undefined }));
  assert.deepEqual(token.expires, new Date((NOW + 10.5) * 1000));
  assert.ok(!("issued" in token));
});

test("parseIdentityToken() bears with a clock that is a minute behind", () => {
  const now = new Date((NOW - 60) * 1000);
  assert.equal(parse(jwt({ nbf: NOW }), now).issuer, ISSUER);
});

test("parseIdentityToken() keeps the token out of everything that shows it", () => {
  const text = jwt();
  const token = parse(text);
  const shown = [
    inspect(token, { depth: 9, showHidden: true }),
    JSON.stringify(token),
    `${token.token}`,
  ];
  for (const part of [text, ...text.split(".")]) assert.ok(!shown.join().includes(part));
  assert.equal(token.token.reveal(), text);
});

const [HEADER, BODY, SIGNATURE] = jwt().split(".") as [string, string, string];
const NOT_UTF8 = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]).toString("base64url");
const DUPLICATE = Buffer.from(`{"iss":"https://a.example","iss":"${ISSUER}"}`).toString(
  "base64url",
);

/** Texts that are no usable token, by what is wrong with them. */
const MALFORMED: Readonly<Record<string, string>> = {
  "an empty text": "",
  "a password": "correct horse battery staple",
  "one part": BODY,
  "two parts": `${HEADER}.${BODY}`,
  "four parts": `${HEADER}.${BODY}.${SIGNATURE}.${SIGNATURE}`,
  "an encrypted token (five parts)": [HEADER, BODY, SIGNATURE, BODY, SIGNATURE].join("."),
  "dots only": "..",
  "no signature": `${HEADER}.${BODY}.`,
  "garbage for base64": `${HEADER}.%%%not-base64%%%.${SIGNATURE}`,
  "garbage for a signature": `${HEADER}.${BODY}.not*base64*at*all`,
  "base64 with padding": `${HEADER}.${Buffer.from('{"iss":"x"}').toString("base64")}.${SIGNATURE}`,
  "a line break inside": `${HEADER}.\n${BODY}.${SIGNATURE}`,
  "a header that is no JSON": `${
    Buffer.from("not JSON").toString("base64url")
  }.${BODY}.${SIGNATURE}`,
  "a header that is a list": compact([], CLAIMS),
  "claims that are a text": compact({ alg: "ES256" }, "claims that are a text"),
  "claims that are null": compact({ alg: "ES256" }, null),
  "claims that are not UTF-8": `${HEADER}.${NOT_UTF8}.${SIGNATURE}`,
  "claims that are doubled": `${HEADER}.${DUPLICATE}.${SIGNATURE}`,
  "claims nested too deep": `${HEADER}.${
    Buffer.from(`{"a":${"[".repeat(1000)}${"]".repeat(1000)}}`).toString("base64url")
  }.${SIGNATURE}`,
  "too much": jwt({ more: "x".repeat(64 * 1024) }),
  "too many values": compact({}, { ...CLAIMS, more: Array(20_000).fill(0) }),
  "no issuer": jwt({ iss: undefined }),
  "an issuer that is no text": jwt({ iss: 7 }),
  "an empty subject": jwt({ sub: "" }),
  "no subject": jwt({ sub: undefined }),
  "no audience": jwt({ aud: undefined }),
  "an empty list of audiences": jwt({ aud: [] }),
  "an audience that is no text": jwt({ aud: [AUDIENCE, 7] }),
  "no expiry": jwt({ exp: undefined }),
  "an expiry that is a text": jwt({ exp: String(NOW + DAY) }),
  "an expiry beyond all calendars": jwt({ exp: 1e300 }),
  "a beginning that is no time": jwt({ nbf: {} }),
  "a time of issue that is no time": jwt({ iat: null }),
  "an email address that is no text": jwt({ email: ["me@example.com"] }),
  "an email address that is not verified": jwt({ email: "me@example.com", email_verified: false }),
  "an email address that is not verified, as a text": jwt({
    email: "me@example.com",
    email_verified: "false",
  }),
};

for (const [what, text] of Object.entries(MALFORMED)) {
  test(`parseIdentityToken() refuses ${what} and does not show it`, async () => {
    await fault("TOKEN_MALFORMED", () => parse(text), text);
  });
}

test("parseIdentityToken() refuses a token that has expired and does not show it", async () => {
  for (const exp of [NOW - 1, 0, -1]) {
    const text = jwt({ exp });
    await fault("TOKEN_EXPIRED", () => parse(text), text);
  }
  const text = jwt({ exp: NOW });
  await fault("TOKEN_EXPIRED", () => parse(text, new Date(NOW * 1000)), text);
});

test("parseIdentityToken() says when a token expired and what the clock says", async () => {
  const { message } = await fault(
    "TOKEN_EXPIRED",
    () => parse(jwt({ exp: 1_700_000_000 }), new Date("2026-01-02T03:04:05Z")),
  );
  assert.ok(message.includes("2023-11-14T22:13:20"));
  assert.ok(message.includes("2026-01-02T03:04:05"));
});

test("parseIdentityToken() refuses a token that is not yet valid and does not show it", async () => {
  for (const claims of [{ nbf: NOW + 300 }, { iat: NOW + 300 }]) {
    const text = jwt(claims);
    await fault("TOKEN_NOT_YET_VALID", () => parse(text), text);
  }
});

test("parseIdentityToken() refuses a token for another audience and does not show it", async () => {
  for (const aud of ["other", ["other", "third"], "Sigstore", "sigstore2", ""]) {
    const text = jwt({ aud });
    await fault("TOKEN_AUDIENCE", () => parse(text), text);
  }
});

test("parseIdentityToken() escapes what a claim could do to a terminal", async () => {
  const { message } = await fault("TOKEN_AUDIENCE", () => parse(jwt({ aud: "\u001b[2J\u202e" })));
  assert.ok(!/[\u001b\u202e]/.test(message));
});

test("parseIdentityToken() refuses a header and claims that have traded places", async () => {
  const text = `${base64url(CLAIMS)}.${base64url({ alg: "ES256" })}.${SIGNATURE}`;
  await fault("TOKEN_MALFORMED", () => parse(text), text);
});
