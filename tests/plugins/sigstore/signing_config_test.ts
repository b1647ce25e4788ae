import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { type Json, parseJson } from "../../../core/json.ts";
import { parseSigningConfig } from "../../../plugins/sigstore/signing_config.ts";

const SERVICE = {
  url: "https://log.example",
  majorApiVersion: 2,
  validFor: { start: "2025-01-01T00:00:00Z", end: "2026-01-01T00:00:00Z" },
  operator: "example",
};
const CONFIG = {
  mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
  caUrls: [SERVICE],
  oidcUrls: [SERVICE],
  rekorTlogUrls: [SERVICE, { ...SERVICE, operator: "other" }],
  rekorTlogConfig: { selector: "EXACT", count: 2 },
  tsaUrls: [SERVICE],
  tsaConfig: { selector: "ALL" },
};
const OLD = {
  mediaType: "application/vnd.dev.sigstore.signingconfig.v0.1+json",
  caUrl: "https://ca.example",
  oidcUrl: "https://oidc.example/auth/",
  tlogUrls: ["https://log.example"],
  tsaUrls: ["https://tsa.example/api/v1/timestamp", "https://other.example"],
};

function built(instance: "production" | "staging"): Json {
  const path = `../../../plugins/sigstore/data/${instance}.signing_config.json`;
  return parseJson(readFileSync(new URL(path, import.meta.url)));
}

function refused(json: unknown): void {
  assert.throws(
    () => parseSigningConfig(json as Json, "config.json"),
    (error) =>
      error instanceof ModelSigningError && error.code === "SIGNING_CONFIG_MALFORMED" ||
      assert.fail(String(error)),
    JSON.stringify(json).slice(0, 300),
  );
}

test("parseSigningConfig() reads version 0.2", () => {
  const config = parseSigningConfig(CONFIG, "config.json");
  assert.equal(config.name, "config.json");
  assert.deepEqual(config.certificateAuthorities, [{
    url: "https://log.example",
    majorApiVersion: 2,
    validFor: { start: new Date("2025-01-01"), end: new Date("2026-01-01") },
    operator: "example",
  }]);
  assert.deepEqual(config.logs.selector, { kind: "exact", count: 2 });
  assert.deepEqual(config.logs.services.map(({ operator }) => operator), ["example", "other"]);
  assert.deepEqual(config.timestampAuthorities.selector, { kind: "all" });
});

test("parseSigningConfig() reads version 0.1 as services without period and operator", () => {
  const config = parseSigningConfig(OLD, "config.json");
  const plain = (url: string) => ({ url, majorApiVersion: 1, operator: "" });
  assert.deepEqual(config.certificateAuthorities, [plain("https://ca.example")]);
  assert.deepEqual(config.identityProviders, [plain("https://oidc.example/auth/")]);
  assert.deepEqual(config.logs, {
    services: [plain("https://log.example")],
    selector: { kind: "any" },
  });
  assert.equal(config.timestampAuthorities.services.length, 2);
});

test("parseSigningConfig() reads what is built in", () => {
  for (const instance of ["production", "staging"] as const) {
    const config = parseSigningConfig(built(instance), instance);
    assert.equal(config.certificateAuthorities.length, 1, instance);
    assert.equal(config.identityProviders.length, 1, instance);
    assert.ok(config.logs.services.length > 0, instance);
    assert.deepEqual(config.logs.selector, { kind: "any" }, instance);
    assert.equal(config.timestampAuthorities.services.length, 1, instance);
  }
});

test("parseSigningConfig() takes missing lists for empty ones", () => {
  const { mediaType } = CONFIG;
  for (const json of [{ mediaType }, { mediaType: OLD.mediaType }]) {
    const config = parseSigningConfig(json, "config.json");
    assert.deepEqual(config.certificateAuthorities, []);
    assert.deepEqual(config.identityProviders, []);
    assert.deepEqual(config.logs, { services: [], selector: { kind: "any" } });
    assert.deepEqual(config.timestampAuthorities, { services: [], selector: { kind: "any" } });
  }
});

test("parseSigningConfig() takes plain HTTP on loopback, and members that it does not know", () => {
  const service = { ...SERVICE, url: "http://127.0.0.1:1234/fulcio", colour: "blue" };
  const config = parseSigningConfig({ ...CONFIG, caUrls: [service], more: 1 }, "config.json");
  assert.equal(config.certificateAuthorities[0]?.url, "http://127.0.0.1:1234/fulcio");
});

test("parseSigningConfig() refuses a service that is not one", () => {
  for (
    const wrong of [
      null,
      "https://log.example",
      { ...SERVICE, url: undefined },
      { ...SERVICE, url: "" },
      { ...SERVICE, url: 7 },
      { ...SERVICE, url: "log.example" },
      { ...SERVICE, url: "http://log.example" },
      { ...SERVICE, url: "file:///etc/passwd" },
      { ...SERVICE, url: "https://user:password@log.example" },
      { ...SERVICE, url: `https://log.example/${"a".repeat(3000)}` },
      { ...SERVICE, majorApiVersion: -1 },
      { ...SERVICE, majorApiVersion: 1.5 },
      { ...SERVICE, majorApiVersion: "two" },
      { ...SERVICE, validFor: undefined },
      { ...SERVICE, validFor: {} },
      { ...SERVICE, validFor: { start: "yesterday" } },
      { ...SERVICE, validFor: { start: SERVICE.validFor.start, end: 5 } },
      { ...SERVICE, operator: 5 },
    ]
  ) {
    for (const member of ["caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls"]) {
      refused({ ...CONFIG, [member]: [SERVICE, wrong] });
    }
  }
});

test("parseSigningConfig() refuses what is no signing config, or of a version that is not known", () => {
  const wrong = ["application/json", OLD.mediaType.replace("0.1", "0.3"), "", 5, undefined];
  for (const mediaType of wrong) refused({ ...CONFIG, mediaType });
  for (const json of [null, [], "text", 5, true, {}]) refused(json);
});

test("parseSigningConfig() refuses a selector that selects nothing that is known", () => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    {},
    { selector: "SERVICE_SELECTOR_UNDEFINED" },
    { selector: "any" },
    { selector: 1 },
    { selector: "EXACT" },
    { selector: "EXACT", count: 0 },
    { selector: "EXACT", count: -1 },
    { selector: "EXACT", count: "many" },
  ];
  for (const config of wrong) {
    refused({ ...CONFIG, rekorTlogConfig: config });
    refused({ ...CONFIG, tsaConfig: config });
  }
});

test("parseSigningConfig() refuses more services than an instance can have", () => {
  for (const member of ["caUrls", "oidcUrls", "rekorTlogUrls", "tsaUrls"]) {
    refused({ ...CONFIG, [member]: Array(101).fill(SERVICE) });
  }
  refused({ ...OLD, tlogUrls: Array(101).fill("https://log.example") });
});

test("parseSigningConfig() refuses malformed members of version 0.1", () => {
  for (const wrong of [5, "", "http://ca.example", null, ["https://ca.example"]]) {
    refused({ ...OLD, caUrl: wrong });
    refused({ ...OLD, tlogUrls: [wrong] });
  }
  refused({ ...OLD, tlogUrls: "https://log.example" });
});
