/** Bundles of earlier tools. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { parseBundle } from "../../../core/bundle.ts";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { builtinTrust } from "../../../plugins/sigstore/trust/mod.ts";
import { sigstoreVerifier } from "../../../plugins/sigstore/verifier.ts";
import { sharedData } from "../../support/shared.ts";
import { failures } from "../../support/sigstore_bundles.ts";

const oms = sharedData("oms");

async function verify(
  folder: string,
  instance: "production" | "staging",
  change: { readonly identity?: string; readonly issuer?: string } = {},
): Promise<SignatureVerification> {
  const bundle = parseBundle(readFileSync(join(folder, "bundle.sig")));
  assert.ok(bundle.ok);
  const config = JSON.parse(readFileSync(join(folder, "config.json"), "utf8")).verify;
  const policy = { identity: config.identity, issuer: config.identity_provider, ...change };
  const verifier = sigstoreVerifier({ trust: builtinTrust(instance), ...policy });
  return await verifier.verify(bundle.value, {});
}

if (oms !== undefined) {
  for (const version of ["v0.3.1", "v1.0.0", "v1.1.0"]) {
    const folder = join(oms, "historical", `${version}-sigstore`);

    test(`verify() accepts the Sigstore bundle of ${version} with the built-in root`, async () => {
      const found = await verify(folder, "production");
      assert.deepEqual(failures(found), {});
      assert.ok(found.identity?.kind === "named");
      assert.equal(found.identity.name, "stefanb@us.ibm.com");
      assert.equal(found.identity.issuer, "https://sigstore.verify.ibm.com/oauth2");
      const sources = found.timestamps.map(({ source }) => source).sort();
      const expected = version === "v1.1.0" ? ["rfc3161"] : [];
      assert.deepEqual(sources, [...expected, "transparency-log"]);
    });

    test(`verify() refuses the Sigstore bundle of ${version} with the staging root`, async () => {
      const found = await verify(folder, "staging");
      assert.equal(failures(found)["transparency-log"], "TLOG_UNKNOWN");
      assert.ok(failures(found)["timestamps"]);
      assert.equal(found.identity, undefined);
      assert.deepEqual(found.timestamps, []);
    });

    test(`verify() refuses the Sigstore bundle of ${version} for another identity`, async () => {
      const found = await verify(folder, "production", {
        identity: "stefanb@us.ibm.co",
        issuer: "https://sigstore.verify.ibm.com/oauth2/",
      });
      assert.deepEqual(failures(found), {
        identity: "IDENTITY_MISMATCH",
        "identity-provider": "ISSUER_MISMATCH",
      });
    });
  }
}
