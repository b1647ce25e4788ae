import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt } from "../../../core/text.ts";
import { givenPattern, identityIssue, issuerIssue } from "../../../plugins/sigstore/policy.ts";

function verdict(found: string, identity: string | RegExp): string | undefined {
  const claims = { identity: found, issuer: found, fields: [] };
  const policy = { identity, issuer: identity };
  const codes = [identityIssue(claims, policy)?.code, issuerIssue(claims, policy)?.code];
  assert.equal(codes[0] === undefined, codes[1] === undefined, "both compare alike");
  return codes[0];
}

test("identities and issuers are compared exactly", () => {
  assert.equal(verdict("dev@example.com", "dev@example.com"), undefined);
  for (
    const found of [
      "xdev@example.com",
      "dev@example.com.evil.example",
      "dev@example.comx",
      "DEV@example.com",
      "dev@exampleXcom",
      " dev@example.com",
      "dev@example.com\n",
      "",
    ]
  ) assert.equal(verdict(found, "dev@example.com"), "IDENTITY_MISMATCH", JSON.stringify(found));
  assert.equal(verdict("https://a.example/", "https://a.example"), "IDENTITY_MISMATCH");
  assert.equal(verdict("https://a.example", "https://a.example/"), "IDENTITY_MISMATCH");
});

test("a difference in case or in a trailing slash gets a hint with what was signed", () => {
  const claims = { identity: "Dev@example.com", issuer: "https://a.example/", fields: [] };
  const policy = { identity: "dev@example.com", issuer: "https://a.example" };
  assert.match(identityIssue(claims, policy)?.hint ?? "", /"Dev@example\.com"/);
  assert.match(issuerIssue(claims, policy)?.hint ?? "", /"https:\/\/a\.example\/"/);
  assert.equal(identityIssue({ ...claims, identity: "me@example.com" }, policy)?.hint, undefined);
});

test("a name that is made to take long is compared like any other", () => {
  const text = `${"/".repeat(60_000)}x`;
  assert.equal(verdict(text, "dev@example.com"), "IDENTITY_MISMATCH");
  assert.equal(verdict("dev@example.com", text), "IDENTITY_MISMATCH");
});

test("patterns must match the whole text", () => {
  const pattern = givenPattern("dev@example\\.com|ops@example\\.com", "--identity-regexp");
  assert.equal(verdict("dev@example.com", pattern), undefined);
  assert.equal(verdict("ops@example.com", pattern), undefined);
  for (
    const found of [
      "xdev@example.com",
      "ops@example.com.evil",
      "dev@example.com\n",
      "dev@example.comops@example.com",
    ]
  ) {
    assert.equal(verdict(found, pattern), "IDENTITY_MISMATCH", JSON.stringify(found));
  }
  const part = { identity: givenPattern("dev", "--identity-regexp"), issuer: /x/ };
  const claims = { identity: "dev@example.com", issuer: "y", fields: [] };
  assert.match(identityIssue(claims, part)?.hint ?? "", /whole identity/);
  assert.equal(issuerIssue(claims, part)?.hint, undefined);
  assert.equal(verdict("a\nb", givenPattern(".*", "--identity-regexp")), "IDENTITY_MISMATCH");
  assert.equal(verdict("", givenPattern("x", "--identity-regexp")), "IDENTITY_MISMATCH");
});

test("patterns of any origin must match the whole text, as often as they are asked", () => {
  for (const flags of ["", "g", "y", "m", "gmsy", "i"]) {
    const pattern = new RegExp("dev@example\\.com", flags);
    for (let count = 0; count < 3; count++) {
      assert.equal(verdict("dev@example.com", pattern), undefined, flags);
      for (const found of ["dev@example.com.evil", "xdev@example.com", "dev@example.com\nx"]) {
        assert.equal(verdict(found, pattern), "IDENTITY_MISMATCH", `${flags} ${found}`);
      }
    }
  }
  assert.equal(verdict("b", /a|b/), undefined);
  assert.equal(verdict("ab", /a|b/), "IDENTITY_MISMATCH");
  assert.equal(verdict("DEV", /dev/i), undefined);
});

test("givenPattern() refuses what is no regular expression, and what is one only inside of another", () => {
  for (const source of ["(", "a)|(b", "[", "(?<", "\\", "a{2,1}", "(?i)x"]) {
    assert.throws(() => givenPattern(source, "--identity-regexp"), { code: "USAGE" }, source);
  }
});

test("a pattern is shown as it was given", () => {
  const claims = { identity: "me@example.com", issuer: "https://a.example", fields: [] };
  for (const source of ["x.*", "https://b\\.example/.*", "a|b", "^a\\\\/b$"]) {
    const pattern = givenPattern(source, "--identity-regexp");
    const policy = { identity: pattern, issuer: pattern };
    const end = `expected something that matches ${excerpt(source)}`;
    assert.ok(identityIssue(claims, policy)?.message.endsWith(end), source);
    assert.ok(issuerIssue(claims, policy)?.message.endsWith(end), source);
  }
});
