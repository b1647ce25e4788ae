import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ModelSigningError } from "../../../core/errors.ts";
import { parseTrustedRoot, type TrustedRoot } from "../../../plugins/sigstore/trusted_root.ts";

/** JSON that tests change. */
// deno-lint-ignore no-explicit-any
type Draft = any;

function production(): Draft {
  const url = new URL(
    "../../../plugins/sigstore/data/production.trusted_root.json",
    import.meta.url,
  );
  return JSON.parse(readFileSync(fileURLToPath(url), "utf8"));
}

function parse(json: Draft): TrustedRoot {
  return parseTrustedRoot(Buffer.from(JSON.stringify(json)), "root.json");
}

/** The production root, changed. */
function changed(change: (root: Draft) => void): Draft {
  const root = production();
  change(root);
  return root;
}

function assertMalformed(bytes: Uint8Array): void {
  assert.throws(() => parseTrustedRoot(bytes, "root.json"), (error) => {
    assert.ok(error instanceof ModelSigningError);
    assert.equal(error.code, "TRUST_MALFORMED");
    return true;
  });
}

/** A log with this key. */
function withKey(key: KeyObject, keyDetails: string, type: "spki" | "pkcs1" = "spki"): Draft {
  return changed(({ tlogs }) => {
    const rawBytes = key.export({ type, format: "der" } as { type: "spki"; format: "der" });
    Object.assign(tlogs[0].publicKey, { rawBytes: rawBytes.toString("base64"), keyDetails });
  });
}

/** Asserts that the first log is refused and all else stays. */
function assertLogRefused(json: Draft): void {
  const root = parse(json);
  assert.equal(root.refused.length, 1);
  assert.equal(root.transparencyLogs.length, production().tlogs.length - 1);
  assert.equal(root.certificateLogs.length, production().ctlogs.length);
}

test("parseTrustedRoot() reads everything in the production root", () => {
  const json = production();
  const root = parse(json);
  assert.deepEqual(root.refused, []);
  assert.equal(root.certificateAuthorities.length, json.certificateAuthorities.length);
  assert.equal(root.transparencyLogs.length, json.tlogs.length);
  assert.equal(root.certificateLogs.length, json.ctlogs.length);
  assert.equal(root.timestampAuthorities.length, json.timestampAuthorities.length);
  const [log] = root.transparencyLogs;
  assert.equal(log?.id, Buffer.from(json.tlogs[0].logId.keyId, "base64").toString("hex"));
  assert.equal(log?.validFor.start.toISOString(), "2021-01-12T11:53:27.000Z");
});

test("parseTrustedRoot() refuses logs without a validity start", () => {
  for (const member of ["tlogs", "ctlogs"]) {
    for (
      const validFor of [undefined, null, {}, { end: "2030-01-01T00:00:00Z" }, { start: null }]
    ) {
      const root = parse(changed((json) => json[member][0].publicKey.validFor = validFor));
      assert.equal(root.refused.length, 1, `${member} ${JSON.stringify(validFor)}`);
    }
  }
});

test("parseTrustedRoot() refuses authorities without a validity start", () => {
  for (const member of ["certificateAuthorities", "timestampAuthorities"]) {
    const root = parse(changed((json) => delete json[member][0].validFor));
    assert.equal(root.refused.length, 1, member);
  }
});

test("parseTrustedRoot() refuses times that are none", () => {
  for (const start of ["yesterday", "2021-01-12", "2021-13-12T11:53:27Z", 1610452407, ""]) {
    assertLogRefused(changed(({ tlogs }) => tlogs[0].publicKey.validFor.start = start));
  }
});

test("parseTrustedRoot() takes log keys of every kind that it knows", () => {
  const kinds: readonly (readonly [string, () => KeyObject, "spki" | "pkcs1"])[] = [
    ["PKIX_ECDSA_P256_SHA_256", () => ec("P-256"), "spki"],
    ["PKIX_ECDSA_P384_SHA_384", () => ec("P-384"), "spki"],
    ["PKIX_ECDSA_P521_SHA_512", () => ec("P-521"), "spki"],
    ["PKIX_ED25519", () => generateKeyPairSync("ed25519").publicKey, "spki"],
    ["PKIX_RSA_PKCS1V15_2048_SHA256", () => rsa(2048), "spki"],
    ["PKCS1_RSA_PKCS1V5", () => rsa(2048), "pkcs1"],
  ];
  for (const [details, key, type] of kinds) {
    assert.deepEqual(parse(withKey(key(), details, type)).refused, [], details);
  }
});

test("parseTrustedRoot() refuses log keys of another kind than they are called, or of an unknown one", () => {
  assertLogRefused(withKey(ec("P-384"), "PKIX_ECDSA_P256_SHA_256"));
  assertLogRefused(withKey(ec("P-256"), "PKIX_ED25519"));
  assertLogRefused(withKey(rsa(2048), "PKIX_RSA_PKCS1V15_4096_SHA256"));
  assertLogRefused(withKey(rsa(2048), "PKCS1_RSA_PKCS1V5"));
  assertLogRefused(withKey(rsa(1024), "PKCS1_RSA_PKCS1V5", "pkcs1"));
  assertLogRefused(withKey(ec("P-256"), "ML_DSA_65"));
  assertLogRefused(withKey(ec("P-256"), "toString"));
});

test("parseTrustedRoot() refuses log keys that are no keys", () => {
  for (const rawBytes of ["", "AAAA", "not base64!", "AAA", "AAAB=", 7, null, undefined]) {
    assertLogRefused(changed(({ tlogs }) => tlogs[0].publicKey.rawBytes = rawBytes));
  }
});

test("parseTrustedRoot() refuses a log ID that is not base64, and derives a missing one", () => {
  for (const logId of [{}, { keyId: "?" }, { keyId: "" }, "id", null]) {
    assertLogRefused(changed(({ tlogs }) => tlogs[0].logId = logId));
  }
  const json = changed(({ tlogs }) => delete tlogs[0].logId);
  const digest = createHash("sha256").update(
    Buffer.from(json.tlogs[0].publicKey.rawBytes, "base64"),
  );
  assert.equal(parse(json).transparencyLogs[0]?.id, digest.digest("hex"));
});

test("parseTrustedRoot() refuses authorities without certificates, or with broken ones", () => {
  const chains = [
    undefined,
    {},
    { certificates: [] },
    { certificates: [{}] },
    {
      certificates: [{ rawBytes: "AAAA" }],
    },
    { certificates: [{ rawBytes: "=" }] },
    { certificates: "none" },
  ];
  for (const member of ["certificateAuthorities", "timestampAuthorities"]) {
    for (const certChain of chains) {
      const root = parse(changed((json) => json[member][0].certChain = certChain));
      assert.equal(root.refused.length, 1, `${member} ${JSON.stringify(certChain)}`);
    }
  }
});

test("parseTrustedRoot() keeps what can be used beside what cannot", () => {
  const root = parse(changed((json) => {
    json.tlogs.push({}, { publicKey: {} });
    json.ctlogs = undefined;
    json.newMember = { of: "a later version" };
  }));
  assert.equal(root.transparencyLogs.length, production().tlogs.length);
  assert.equal(root.refused.length, 2);
  assert.deepEqual(root.certificateLogs, []);
});

test("parseTrustedRoot() refuses too many entries", () => {
  for (const member of ["tlogs", "ctlogs", "certificateAuthorities", "timestampAuthorities"]) {
    const many = changed((json) => json[member] = Array(201).fill(json[member][0]));
    assertMalformed(Buffer.from(JSON.stringify(many)));
  }
});

test("parseTrustedRoot() refuses too many values", () => {
  const many = changed((json) => json.more = Array(100_000).fill(0));
  assertMalformed(Buffer.from(JSON.stringify(many)));
});

test("parseTrustedRoot() refuses other media types", () => {
  const types = [
    undefined,
    "",
    "application/json",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.3",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1; charset=utf-8",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
  ];
  for (const mediaType of types) {
    assertMalformed(Buffer.from(JSON.stringify(changed((json) => json.mediaType = mediaType))));
  }
  for (const mediaType of ["+json;version=0.1", "+json;version=0.2", ".v0.2+json"]) {
    parse(
      changed((json) => json.mediaType = `application/vnd.dev.sigstore.trustedroot${mediaType}`),
    );
  }
});

test("parseTrustedRoot() refuses what is no object, and members twice", () => {
  const text = JSON.stringify(production());
  const bad = ["", "garbage", "null", "[]", '"root"', text.slice(0, -1), `${text}x`];
  for (const each of [...bad, text.replace("{", '{"tlogs":[],'), `\ufeff${text}`]) {
    assertMalformed(Buffer.from(each));
  }
  assertMalformed(Buffer.from(JSON.stringify(changed((json) => json.tlogs = {}))));
  assertMalformed(Buffer.from(JSON.stringify(changed((json) => json.tlogs[0] = "log"))));
  assertMalformed(Buffer.from([0xff, 0xfe]));
});

function ec(namedCurve: string): KeyObject {
  return generateKeyPairSync("ec", { namedCurve }).publicKey;
}

function rsa(modulusLength: number): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength }).publicKey;
}
