/** The contract suites for what Sigstore's plugin provides, against the instance on loopback. */

import { test } from "node:test";
import { verifierContract, witnessContract } from "../../../core/contract/mod.ts";
import { Secret } from "../../../core/secret.ts";
import type { Witness } from "../../../core/signer.ts";
import { sigstorePlugin } from "../../../plugins/sigstore/mod.ts";
import { signOnce } from "../../../plugins/sigstore/signer.ts";
import { sigstoreVerifier } from "../../../plugins/sigstore/verifier.ts";
import { logWitness, timestampWitness } from "../../../plugins/sigstore/witnesses.ts";
import { settingsCasesOf } from "../../support/settings_suite.ts";
import { type Sigstore, startSigstore } from "../../support/sigstore.ts";
import { bundleOf, policyOf, sigstoreBundle, trustIn } from "../../support/sigstore_bundles.ts";
import { identityToken, servicesOf } from "./_signing.ts";

const WITNESSES: Readonly<Record<string, (sigstore: Sigstore) => Witness>> = {
  "logWitness(), Rekor v1": (sigstore) => logWitness(servicesOf(sigstore, 1).logs[0]!),
  "logWitness(), Rekor v2": (sigstore) => logWitness(servicesOf(sigstore, 2).logs[0]!),
  "timestampWitness()": (sigstore) =>
    timestampWitness(servicesOf(sigstore, 1).timestampAuthorities[0]!),
};

for (const [what, make] of Object.entries(WITNESSES)) {
  test(`${what} keeps the contract`, async () => {
    await using sigstore = await startSigstore();
    const services = servicesOf(sigstore, 1);
    const tokenSource = { token: () => identityToken(sigstore) };
    const cases = witnessContract(() => Promise.resolve(make(sigstore)), {
      sign: (pae) => signOnce(pae, { services, tokenSource }, {}),
    });
    for (const { run } of cases) await run();
  });
}

for (const [index, { name }] of verifierContract({} as never).entries()) {
  test(`sigstoreVerifier(): ${name}`, async () => {
    await using sigstore = await startSigstore();
    const bundle = bundleOf(await sigstoreBundle(sigstore))!;
    const trust = await trustIn(sigstore);
    const open = () => Promise.resolve(sigstoreVerifier({ trust, ...policyOf(sigstore) }));
    await verifierContract({ bundle, open })[index]!.run();
  });
}

test("Sigstore's signer and verifier: the suite for settings", async () => {
  await using sigstore = await startSigstore();
  const { identity, issuer } = policyOf(sigstore);
  const cases = settingsCasesOf(sigstorePlugin, {
    signer: {
      "identity-token": new Secret(await sigstore.token()),
      "trust-config": sigstore.trustConfig,
    },
    verifier: {
      identity: String(identity),
      "identity-provider": String(issuer),
      "trust-root": sigstore.trustedRoot,
    },
    bundle: bundleOf(await sigstoreBundle(sigstore))!,
  });
  for (const { run } of cases) await run();
});
