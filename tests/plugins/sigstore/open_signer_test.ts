import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Interaction } from "../../../core/options.ts";
import { openSigner, type SignerChoice } from "../../../plugins/sigstore/open_signer.ts";
import { selectTrust } from "../../../plugins/sigstore/trust/mod.ts";
import { startSigstore } from "../../support/sigstore.ts";
import { faultOf } from "./_signing.ts";

/** Somebody who agrees to publish, and then has neither a browser nor a terminal. */
const GONE: Interaction = {
  ask: () => Promise.reject(new ModelSigningError("INTERACTION_UNAVAILABLE", "no terminal")),
  askSecret: () => Promise.reject(new Error("not asked for")),
  confirm: () => Promise.resolve(true),
  openBrowser: () => Promise.resolve(false),
  tell: () => {},
};

test("whoever has no token is told which options get one", async () => {
  await using sigstore = await startSigstore();
  const choice: SignerChoice = {
    identityToken: undefined,
    ambient: false,
    outOfBand: false,
    clientId: "sigstore",
    clientSecret: undefined,
    trust: await selectTrust({ trustConfig: sigstore.trustConfig }),
    env: {},
  };
  const hint = async (more: Partial<SignerChoice>, interaction?: Interaction) => {
    const run = interaction ? { interaction } : {};
    const signing = openSigner({ ...choice, ...more }, run)
      .then(({ signer }) => signer.sign(new Uint8Array(1), run));
    return (await faultOf(signing)).hint ?? "";
  };
  const others = /--identity-token.*--use-ambient-credentials/;
  assert.match(await hint({}), others);
  assert.doesNotMatch(await hint({}), /--oauth-force-oob/);
  assert.match(await hint({}, GONE), /--use-ambient-credentials.*--oauth-force-oob/);
  assert.match(await hint({ outOfBand: true }, GONE), others);
  assert.doesNotMatch(await hint({ outOfBand: true }, GONE), /--oauth-force-oob/);
  const env = { GCE_METADATA_HOST: "no host" };
  assert.match(await hint({ ambient: true, env }), others);
});
