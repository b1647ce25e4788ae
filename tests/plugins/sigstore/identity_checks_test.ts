/** The checks of the signer's name and of who vouched for it, and what they are not asked about. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { identityChecks } from "../../../plugins/sigstore/identity_checks.ts";
import { Forge, FORGED_POLICY, generalName } from "../../support/sigstore_forge.ts";
import { failures, verifyJson } from "../../support/sigstore_bundles.ts";

const CLAIMS = {
  ok: true,
  claims: { identity: "dev@example.com", issuer: "https://issuer.example", fields: [] },
} as const;

const PATTERNS = { identity: /dev@example\.com/u, issuer: /https:\/\/issuer\.example/u };

function statuses(policy: Parameters<typeof identityChecks>[1], vouchedFor: boolean): string[] {
  return identityChecks(CLAIMS, policy, { certificate: '"a"', vouchedFor })
    .map(({ id, status }) => `${id} ${status}`);
}

test("identityChecks() compares texts whoever issued the certificate, and patterns only if it is trusted", () => {
  assert.deepEqual(statuses(FORGED_POLICY, false), ["identity passed", "identity-provider passed"]);
  assert.deepEqual(statuses(PATTERNS, true), ["identity passed", "identity-provider passed"]);
  assert.deepEqual(statuses(PATTERNS, false), ["identity skipped", "identity-provider skipped"]);
  const mixed = { ...FORGED_POLICY, identity: PATTERNS.identity };
  assert.deepEqual(statuses(mixed, false), ["identity skipped", "identity-provider passed"]);
  const others = { identity: /ops@example\.com/u, issuer: "https://other.example" };
  assert.deepEqual(statuses(others, true), ["identity failed", "identity-provider failed"]);
});

test("verify() does not try a pattern on a name that no trusted authority has certified", async () => {
  const [mine, stranger] = [new Forge(), new Forge()];
  // Backtracks for hours over such a name: 40 characters take 1.4 s on Bun, minutes on Deno.
  const identity = /(?:[a-z0-9]+[.-]?)+@example\.com/u;
  const names = [generalName(1, `${"a".repeat(60)}!`)];
  const json = stranger.bundle(stranger.certify({ names }));
  const found = await verifyJson(json, mine.trust(), { ...FORGED_POLICY, identity });
  assert.equal(found.identity, undefined);
  assert.equal(failures(found)["transparency-log"], "TLOG_UNKNOWN");
  assert.equal(found.checks.find(({ id }) => id === "identity")?.status, "skipped");
});
