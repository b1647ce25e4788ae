/** Bundles of earlier tools. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseBundle } from "../../../core/bundle.ts";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { certificateVerifier } from "../../../plugins/certificate/mod.ts";
import { sharedData } from "../../support/shared.ts";

const oms = sharedData("oms");

async function verify(
  folder: string,
  version: string,
  anchors: readonly string[],
): Promise<SignatureVerification> {
  const path = join(folder, "historical", `${version}-certificate`, "bundle.sig");
  const bundle = parseBundle(readFileSync(path));
  assert.ok(bundle.ok);
  const verifier = await certificateVerifier({
    trustAnchors: anchors.map((file) => readFileSync(join(folder, "trust", file))),
    // The certificates expire in 2035.
    now: new Date("2027-01-01"),
  });
  return await verifier.verify(bundle.value, {});
}

if (oms !== undefined) {
  for (
    const [version, encoding] of [
      ["v0.2.0", "legacy"],
      ["v1.0.0", "standard"],
      ["v1.1.0", "standard"],
    ] as const
  ) {
    test(`verify() accepts the certificate bundle of ${version}`, async () => {
      const result = await verify(oms, version, ["ca-cert.pem"]);
      assert.equal(result.encoding, encoding);
      assert.equal(result.identity?.method, "certificate");
      const failed = result.checks.filter(({ status }) => status === "failed");
      assert.deepEqual(failed, []);
    });

    test(`verify() refuses the certificate bundle of ${version} under another CA`, async () => {
      const { checks, identity } = await verify(oms, version, ["wrong-ca-cert.pem"]);
      assert.equal(identity, undefined);
      assert.deepEqual(
        checks.flatMap((check) => check.status === "failed" ? [check.issue.code] : []),
        ["CERTIFICATE_UNTRUSTED"],
      );
    });
  }
}
