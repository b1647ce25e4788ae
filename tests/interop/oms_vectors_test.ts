/** The specification's test vectors, through the program. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { sharedData } from "../support/shared.ts";
import { signedStatement } from "./payload.ts";
import { schemaJudges } from "./schemas.ts";

const oms = sharedData("oms");

/** What `verify key` and `verify certificate` find in each invalid vector. */
const INVALID: Readonly<Record<string, readonly [key: string, certificate: string]>> = {
  "empty": ["BUNDLE_MALFORMED", "BUNDLE_MALFORMED"],
  "missing-envelope": ["BUNDLE_MALFORMED", "BUNDLE_MALFORMED"],
  "missing-verification-material": ["BUNDLE_MALFORMED", "BUNDLE_MALFORMED"],
  // Without log entries it is what the Go tool writes for a certificate that has no chain.
  "missing-tlog-entries": ["BUNDLE_MATERIAL", "CERTIFICATE_UNTRUSTED"],
};

if (oms !== undefined) {
  const judges = schemaJudges(join(oms, "schemas"));
  const vector = (kind: string, name: string) => join(oms, "vectors", kind, `${name}.bundle.json`);
  const verify = async (method: "key" | "certificate", signature: string) => {
    const trust = method === "key"
      ? ["--public-key", join(oms, "trust", "signing-key-pub.pem")]
      : ["--certificate-chain", join(oms, "trust", "ca-cert.pem")];
    // The model of the valid vectors, too.
    const model = join(oms, "historical", "v1.1.0-elliptic-key", "model");
    return await cli([
      ...["verify", method, model, "--signature", signature],
      ...[...trust, "--format", "json"],
    ]);
  };

  for (const name of ["key", "certificate", "sigstore"]) {
    test(`inspect reads the valid vector ${name}`, async () => {
      const signature = vector("valid", name);
      assert.deepEqual(judges.bundle(JSON.parse(readFileSync(signature, "utf8"))), []);
      const outcome = await cli(["inspect", signature, "--format", "json"]);
      assertStatus(outcome, 0, "inspect");
      assert.ok(outcome.stdout.includes(signedStatement(signature).subject[0].digest.sha256));
    });
  }

  for (const method of ["key", "certificate"] as const) {
    test(`verify ${method} verifies the valid vector ${method}`, async () => {
      assertStatus(await verify(method, vector("valid", method)), 0, "verify");
    });
  }

  test("every invalid vector is known here", () => {
    const files = readdirSync(join(oms, "vectors", "invalid"));
    assert.deepEqual(
      files.toSorted(),
      Object.keys(INVALID).map((name) => `${name}.bundle.json`).toSorted(),
    );
  });

  for (const [name, codes] of Object.entries(INVALID)) {
    test(`verify rejects the invalid vector ${name}`, async () => {
      const signature = vector("invalid", name);
      for (const [index, method] of (["key", "certificate"] as const).entries()) {
        const outcome = await verify(method, signature);
        assertStatus(outcome, 1, `verify ${method}`);
        const report = JSON.parse(outcome.stdout);
        assert.equal(report.verdict, "rejected");
        assert.equal(report.issues[0].code, codes[index]);
        assert.deepEqual(report.files, []);
      }
      if (codes[0] === "BUNDLE_MALFORMED") {
        assertFault(await cli(["inspect", signature]), 3, "BUNDLE_REFUSED");
      }
    });
  }

  test("verify rejects the vector with the payload of another predicate", async () => {
    const signature = vector("invalid-payload", "wrong-predicate");
    assert.deepEqual(judges.bundle(JSON.parse(readFileSync(signature, "utf8"))), []);
    assert.notDeepEqual(judges.statement(signedStatement(signature)), []);
    // Nobody signed that payload, and an unauthenticated payload is not looked at.
    assertRejected(await verify("key", signature), ["SIGNATURE_INVALID"]);
    const inspection = await cli(["inspect", signature]);
    assertStatus(inspection, 0, "inspect");
    assert.match(inspection.stdout, /\[PREDICATE_TYPE\]/);
  });
}
