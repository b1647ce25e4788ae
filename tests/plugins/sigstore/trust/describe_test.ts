import assert from "node:assert/strict";
import { test } from "node:test";
import { builtinTrust, describeTrust } from "../../../../plugins/sigstore/trust/mod.ts";

const NOW = new Date("2026-11-22T12:00:00Z");

test("describeTrust() tells instance, date and age", () => {
  assert.equal(
    describeTrust(builtinTrust("production").origin, NOW),
    "Sigstore's production instance, built in, of 2026-05-12 (194 days old)",
  );
});

test("describeTrust() tells when a date lies in the future", () => {
  const { origin } = builtinTrust("production");
  assert.match(describeTrust(origin, new Date("2026-05-01T00:00:00Z")), /clock may be wrong/);
  // Two clocks need not agree to the hour.
  assert.match(describeTrust(origin, new Date("2026-05-11T12:00:00Z")), /0 days old/);
});

test("describeTrust() makes names printable", () => {
  const file = { kind: "file", name: "a\u001b[31m\u202eb", notes: [] } as const;
  // deno-lint-ignore no-control-regex
  assert.doesNotMatch(describeTrust(file, NOW), /[\u001b\u202e]/);
});

test("describeTrust() tells when trust was fetched, which may be all that is known", () => {
  const fetched = new Date("2026-11-20T00:00:00Z");
  const origin = { kind: "cache", name: "an instance", fetched, notes: [] } as const;
  assert.equal(describeTrust(origin, NOW), "an instance, updated on 2026-11-20 (2 days old)");
  const dated = { ...origin, date: new Date("2026-10-01T00:00:00Z") };
  assert.equal(
    describeTrust(dated, NOW),
    "an instance, updated on 2026-11-20, of 2026-10-01 (52 days old)",
  );
});

test("describeTrust() does without a date", () => {
  const file = { kind: "file", name: "root.json", notes: [] } as const;
  assert.equal(describeTrust(file, NOW), 'file "root.json"');
});
