/** What the suite for verifiers says of one that does not keep the contract. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Bundle } from "../../../core/bundle.ts";
import { verifierContract } from "../../../core/contract/mod.ts";
import { signModel } from "../../../core/sign.ts";
import type { SignatureVerification, Verifier } from "../../../core/verifier.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../../plugins/key/mod.ts";
import { p256 } from "../../support/bundles.ts";
import { MemorySource } from "../../support/memory_source.ts";

const KEYS = p256();

async function signed(): Promise<Bundle> {
  const source = new MemorySource({ a: "1" });
  const { bundle } = await signModel({ source, hasher: hasherFactory(), signer: keySigner(KEYS) });
  return bundle;
}

/** What the suite says, by case, of a verifier that changes what a good one gives. */
async function complaints(
  changed: (bundle: Bundle) => Promise<SignatureVerification>,
): Promise<Readonly<Record<string, string>>> {
  const verifier: Verifier = { verify: (bundle) => changed(bundle) };
  const said: Record<string, string> = {};
  const bundle = await signed();
  for (const { name, run } of verifierContract({ open: () => Promise.resolve(verifier), bundle })) {
    await run().catch((error: Error) => said[name] = error.message);
  }
  return said;
}

const good = keyVerifier({ publicKeys: [KEYS.publicKey] });

test("verifierContract() names the kind of material that a verifier accepts and should not", async () => {
  const { material } = await signed();
  // Looks at nothing but its own key.
  const said = await complaints((bundle) => good.verify({ ...bundle, material }, {}));
  assert.deepEqual(said, {
    "verify() refuses material that is not its own":
      "accepted material of the kind certificate, which is not its own",
    "verify() gives checks for material of any bytes, and never throws":
      "said who signed with material of the kind public-key that is not the signer's",
  });
});

test("verifierContract() refuses checks that the program makes itself", async () => {
  const said = await complaints(async (bundle) => {
    const found = await good.verify(bundle, {});
    const files = { id: "files", status: "passed", detail: "all there" } as const;
    return { ...found, checks: [...found.checks, files] };
  });
  assert.match(said["verify() accepts the bundle and gives an identity"] ?? "", /makes itself/);
});
