/** A signed bundle with one thing changed: every field, every certificate byte, every line of a checkpoint. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import type { Loose } from "../../support/bundles.ts";
import { flipped, replaced, variants, withoutCosignatures } from "../../support/mutations.ts";
import { startSigstore } from "../../support/sigstore.ts";
import {
  bundleOf,
  failures,
  policyOf,
  sigstoreBundle,
  trustIn,
  verifyJson,
} from "../../support/sigstore_bundles.ts";

for (const rekor of [1, 2] as const) {
  test(`no field of a bundle with an entry of Rekor v${rekor} can be changed or left out`, async () => {
    await using sigstore = await startSigstore();
    const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
    const json = withoutCosignatures(await sigstoreBundle(sigstore, { rekor }));
    assert.deepEqual(failures(await verifyJson(json, trust, policy)), {});
    let count = 0;
    for (const { what, json: changed } of variants(json)) {
      // ProtoJSON leaves zeros and empty lists out.
      if (/(?:integratedTime) left out$/.test(what) && rekor === 2) continue;
      count++;
      if (bundleOf(changed) === undefined) continue;
      const found = await verifyJson(changed, trust, policy);
      assert.equal(found.identity, undefined, what);
      assert.notDeepEqual(failures(found), {}, what);
    }
    assert.ok(count > 100, `${count} variants`);
  });
}

test("no byte of the certificate can be changed", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore);
  const path = ["verificationMaterial", "certificate", "rawBytes"];
  const der = Buffer.from(json.verificationMaterial.certificate.rawBytes, "base64");
  for (const index of der.keys()) {
    const found = await verifyJson(replaced(json, path, flipped(der, index)), trust, policy);
    assert.notDeepEqual(failures(found), {}, `byte ${index}`);
    assert.equal(found.identity, undefined);
  }
});

test("no byte of the signature and none of the payload can be changed", async () => {
  await using sigstore = await startSigstore();
  const [trust, policy] = [await trustIn(sigstore), policyOf(sigstore)];
  const json = await sigstoreBundle(sigstore, { rekor: 2 });
  for (
    const path of [["dsseEnvelope", "payload"], ["dsseEnvelope", "signatures", 0, "sig"]] as const
  ) {
    const bytes = Buffer.from(
      path.reduce((holder: Loose, key) => holder[key], json),
      "base64",
    );
    for (const index of bytes.keys()) {
      const found = await verifyJson(replaced(json, path, flipped(bytes, index)), trust, policy);
      assert.equal(failures(found)["signature"], "SIGNATURE_INVALID", `${path} ${index}`);
    }
  }
});
