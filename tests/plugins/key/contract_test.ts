import { createPrivateKey, createPublicKey } from "node:crypto";
import { test } from "node:test";
import { describerContract } from "../../../core/contract/describer.ts";
import { signerContract } from "../../../core/contract/signer.ts";
import { verifierContract } from "../../../core/contract/verifier.ts";
import type { Resource } from "../../../core/hasher.ts";
import { Secret } from "../../../core/secret.ts";
import { sign } from "../../../core/sign.ts";
import { keyDescriber, keyPlugin, keySigner, keyVerifier } from "../../../plugins/key/mod.ts";
import { resourcesOf } from "../../support/bundles.ts";
import { signedBundle } from "../../support/certificate_bundle.ts";
import { ACCEPTED_TYPES, opensslKey } from "../../support/openssl.ts";
import { Pki } from "../../support/pki.ts";
import { settingsCasesOf } from "../../support/settings_suite.ts";

for (const type of ACCEPTED_TYPES) {
  const privateKey = createPrivateKey(opensslKey(type));
  for (const { name, run } of signerContract(() => Promise.resolve(keySigner({ privateKey })))) {
    test(`key signer, ${type}: ${name}`, run);
  }

  const { bundle } = await sign({
    name: "model",
    resources: resourcesOf(["a", "b"]) as unknown as Resource[],
    serialization: { method: "files", hashType: "sha256", allowSymlinks: false, ignorePaths: [] },
  }, { signer: keySigner({ privateKey }) });
  const publicKeys = [createPublicKey(privateKey)] as const;
  const subject = { bundle, open: () => Promise.resolve(keyVerifier({ publicKeys })) };
  for (const { name, run } of verifierContract(subject)) {
    test(`key verifier, ${type}: ${name}`, run);
  }
  const described = { bundle, describer: keyDescriber, method: "key" };
  for (const { name, run } of describerContract(described)) {
    test(`key describer, ${type}: ${name}`, run);
  }
}

test("key providers: the suite for settings", async () => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  const locked = pki.file("locked.pem", "");
  const encrypt = ["pkcs8", "-topk8", "-in", leaf.key, "-out", locked, "-passout", "pass:secret"];
  pki.openssl(encrypt);
  const cases = settingsCasesOf(keyPlugin, {
    signer: { "private-key": locked, password: new Secret("secret") },
    verifier: { "public-key": [leaf.certificate] },
    bundle: signedBundle(leaf),
  });
  for (const { run } of cases) await run();
});
