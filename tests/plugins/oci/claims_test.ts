import assert from "node:assert/strict";
import { test } from "node:test";
import { parseBundle } from "../../../core/bundle.ts";
import { claimsOf } from "../../../plugins/oci/claims.ts";
import { bundleOf, encode } from "../../support/bundles.ts";
import { bundleWith, signedBundle } from "../../support/certificate_bundle.ts";
import { derOf, Pki } from "../../support/pki.ts";

test("claimsOf() names the subject and the alternative names of certificates", () => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  const chain = claimsOf(signedBundle(leaf, [root]));
  assert.equal(chain.method, "certificate");
  assert.notEqual(chain.signer, "");
  assert.equal(chain.predicateType, "unknown");
  const alone = bundleWith(leaf, {
    kind: "certificate",
    certificate: derOf(leaf.certificate),
  });
  assert.deepEqual(claimsOf(alone), chain);
  assert.equal(claimsOf({ ...alone, tlogEntries: [{}] }).method, "sigstore");
});

test("claimsOf() takes any payload and any certificate", () => {
  const bundle = parseBundle(encode(bundleOf(encode("not JSON"))));
  assert.ok(bundle.ok);
  assert.equal(claimsOf(bundle.value).predicateType, "unknown");
  const certificate = new Uint8Array([0x30, 0x00]);
  const broken = { ...bundle.value, material: { kind: "certificate", certificate } as const };
  assert.notEqual(claimsOf(broken).signer, "");
  const bare = { ...bundle.value, material: { kind: "public-key" } as const };
  assert.equal(claimsOf(bare).method, "key");
});
