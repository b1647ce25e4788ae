import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { keyHint } from "../../../core/keys.ts";
import { readPublicKey } from "../../../plugins/_keyfile/mod.ts";
import { sha256 } from "../../support/bundles.ts";
import {
  ACCEPTED_TYPES,
  openssl,
  opensslKey,
  opensslPublicKey,
  REFUSED_TYPES,
} from "../../support/openssl.ts";
import { Pki } from "../../support/pki.ts";

const P256 = opensslKey("EC P-256");

function certificate(privateKey: string, ...options: string[]): string {
  const args = ["req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x", ...options];
  return openssl(args, privateKey).toString();
}

function read(bytes: string | Uint8Array): string {
  const key = readPublicKey(Buffer.from(bytes), "key.pub");
  assert.equal(key.type, "public");
  return keyHint(key);
}

function assertRefused(bytes: string | Uint8Array, code: ErrorCode): ModelSigningError {
  try {
    readPublicKey(Buffer.from(bytes), "key.pub");
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, code, error.message);
    return error;
  }
  assert.fail(`accepted ${Buffer.from(bytes).toString("latin1").slice(0, 200)}`);
}

for (const type of ACCEPTED_TYPES) {
  test(`readPublicKey() reads SubjectPublicKeyInfo and certificates, PEM and DER: ${type}`, () => {
    const pem = opensslKey(type);
    const publicPem = opensslPublicKey(pem);
    const expected = sha256(publicPem);
    assert.equal(read(publicPem), expected);
    assert.equal(read(openssl(["pkey", "-pubin", "-outform", "DER"], publicPem)), expected);
    const own = certificate(pem);
    assert.equal(read(own), expected);
    assert.equal(read(openssl(["x509", "-outform", "DER"], own)), expected);
  });

  if (type.startsWith("RSA")) {
    test(`readPublicKey() reads PKCS#1, PEM and DER: ${type}`, () => {
      const publicPem = opensslPublicKey(opensslKey(type));
      const args = ["rsa", "-pubin", "-RSAPublicKey_out"];
      assert.equal(read(openssl(args, publicPem)), sha256(publicPem));
      assert.equal(read(openssl([...args, "-outform", "DER"], publicPem)), sha256(publicPem));
    });
  }
}

test("readPublicKey() reads compressed points as the key that they are", () => {
  const publicPem = opensslPublicKey(P256);
  const compressed = openssl(["ec", "-pubin", "-conv_form", "compressed"], publicPem);
  assert.notEqual(compressed.toString(), publicPem);
  assert.equal(read(compressed), sha256(publicPem));
});

test("readPublicKey() reads certificates without a version, expired, and signed with RSA-PSS", () => {
  const rsa = opensslKey("RSA 2048");
  const expected = sha256(opensslPublicKey(rsa));
  using pki = new Pki();
  const request = pki.file(
    "request.pem",
    openssl(["req", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"], rsa),
  );
  const first = pki.openssl(["x509", "-req", "-in", request, "-signkey", pki.file("key.pem", rsa)]);
  assert.match(openssl(["x509", "-text", "-noout"], first).toString(), /Version: 1/);
  assert.equal(read(first), expected);
  const key = { path: pki.file("key.pem", rsa) };
  const expired = pki.root({ key, from: -10, to: -5 });
  assert.equal(read(readFileSync(expired.certificate)), expected);
  assert.equal(read(certificate(rsa, "-sigopt", "rsa_padding_mode:pss")), expected);
});

test("readPublicKey() skips other blocks and text", () => {
  const publicPem = opensslPublicKey(P256);
  const expected = sha256(publicPem);
  const parameters = openssl(["ecparam", "-name", "prime256v1"]).toString();
  assert.equal(read(`text\n${parameters}${publicPem}text`), expected);
  assert.equal(read(`${P256}${certificate(P256)}`), expected);
  assert.equal(read(publicPem.replaceAll("\n", "\r\n")), expected);
});

test("readPublicKey() refuses two keys", () => {
  const publicPem = opensslPublicKey(P256);
  assertRefused(publicPem + publicPem, "KEY_MALFORMED");
  assertRefused(publicPem + certificate(P256), "KEY_MALFORMED");
});

test("readPublicKey() refuses SSH's own form, and says how to convert it where that can be", () => {
  const hintOf = (line: string) => assertRefused(line, "KEY_MALFORMED").hint;
  assert.match(hintOf("ecdsa-sha2-nistp256 AAAA me@host\n") ?? "", /ssh-keygen -e -m PKCS8/);
  assert.match(hintOf("ssh-rsa AAAA") ?? "", /ssh-keygen/);
  assert.equal(hintOf("ssh-ed25519 AAAA"), undefined);
});

test("readPublicKey() says that a file is UTF-16", () => {
  const error = assertRefused(
    Buffer.from(`\ufeff${opensslPublicKey(P256)}`, "utf16le"),
    "KEY_MALFORMED",
  );
  assert.match(error.message, /UTF-16/);
  assert.match(error.hint ?? "", /PowerShell/);
});

test("readPublicKey() refuses a private key, and says how to extract the public one", () => {
  for (const text of [P256, openssl(["ec"], P256)]) {
    const error = assertRefused(text, "KEY_MALFORMED");
    assert.ok(error.hint?.includes("-pubout"));
  }
  assertRefused(openssl(["pkey", "-outform", "DER"], P256), "KEY_MALFORMED");
});

for (const type of REFUSED_TYPES) {
  test(`readPublicKey() refuses by name: ${type}`, () => {
    const pem = opensslKey(type);
    const publicPem = opensslPublicKey(pem);
    const [name] = /[A-Za-z]*\d+[a-z]*\d*|DSA|RSA-PSS|named curve/.exec(type)!;
    const inputs: (string | Uint8Array)[] = [
      publicPem,
      openssl(["pkey", "-pubin", "-outform", "DER"], publicPem),
    ];
    // Keys for key agreement sign no certificate of their own.
    if (!type.startsWith("X")) inputs.push(certificate(pem));
    for (const input of inputs) {
      const error = assertRefused(input, "KEY_UNSUPPORTED");
      assert.ok(error.message.includes(name), error.message);
    }
  });
}

test("readPublicKey() refuses what is no public key", () => {
  const der = openssl(["pkey", "-pubin", "-outform", "DER"], opensslPublicKey(P256));
  for (
    const bytes of [
      "",
      "text",
      "-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n",
      "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
      "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
      "-----BEGIN PUBLIC KEY-----\n".repeat(30_000),
      "-----END PUBLIC KEY-----\n-----BEGIN PUBLIC KEY-----\n",
      new Uint8Array(1000),
      new Uint8Array(100_000).fill(0x30),
      Buffer.from("3080", "hex"),
      der.subarray(0, -1),
      Buffer.concat([der, Buffer.of(0)]),
    ]
  ) assertRefused(bytes, "KEY_MALFORMED");
});

test("readPublicKey() refuses a point that is not on the curve", () => {
  const der = Buffer.from(openssl(["pkey", "-pubin", "-outform", "DER"], opensslPublicKey(P256)));
  der[der.length - 1]! ^= 1;
  assertRefused(der, "KEY_MALFORMED");
});
