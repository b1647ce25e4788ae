/** Signing in at the issuer of the loopback Sigstore, which checks what it is sent. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Interaction } from "../../../../core/options.ts";
import { Secret } from "../../../../core/secret.ts";
import { tokenSource } from "../../../../plugins/sigstore/oidc/mod.ts";
import { type Sigstore, startSigstore } from "../../../support/sigstore.ts";
import { CLIENTS } from "../../../sigstore/oidc.ts";
import { addressIn, load, person } from "./_sign_in.ts";
import { fault } from "./_token.ts";

/** Follows the redirect, as browsers do. */
const BROWSER: Interaction = person({}, {
  openBrowser: (url) => load(url).then(() => true),
});

function source({ issuer }: Sigstore, clientId = "sigstore", outOfBand = false) {
  const clientSecret = new Secret(CLIENTS[clientId]!);
  return tokenSource({ ambient: false, issuer, clientId, clientSecret, outOfBand, env: {} });
}

test("tokenSource() signs in at the loopback Sigstore with a browser", async () => {
  await using sigstore = await startSigstore();
  await sigstore.login({ sub: "7", email: "signer@example.com", email_verified: true });
  for (const clientId of ["sigstore", "confidential"]) {
    const identity = await source(sigstore, clientId).token({ interaction: BROWSER });
    assert.equal(identity.issuer, sigstore.issuer);
    assert.equal(identity.subject, "signer@example.com");
  }
});

test("tokenSource() signs in at the loopback Sigstore with a typed code", async () => {
  await using sigstore = await startSigstore();
  for (const clientId of ["sigstore", "confidential"]) {
    const interaction = person({}, {
      ask: async () => (await load(addressIn(interaction.told)))[1],
    });
    const identity = await source(sigstore, clientId, true).token({ interaction });
    assert.equal(identity.issuer, sigstore.issuer);
  }
});

test("tokenSource() reports each lie of an issuer", async () => {
  await using sigstore = await startSigstore();
  for (
    const [code, kind] of [
      ["TOKEN_UNAVAILABLE", "denied"],
      ["NETWORK_RESPONSE", "wrong-nonce"],
      ["TOKEN_AUDIENCE", "wrong-audience"],
      ["TOKEN_EXPIRED", "expired"],
      ["NETWORK_RESPONSE", "other-issuer"],
    ] as const
  ) {
    await sigstore.fault({ service: "oidc", kind });
    await fault(code, () => source(sigstore).token({ interaction: BROWSER }));
  }
  await sigstore.fault({ service: "oidc", kind: "wrong-state" });
  await fault(
    "NETWORK_TIMEOUT",
    () => source(sigstore).token({ interaction: BROWSER, timeout: 1000 }),
  );
});

test("tokenSource() reports a token endpoint that fails in each way", async () => {
  await using sigstore = await startSigstore();
  for (
    const [code, kind] of [
      ["NETWORK_STATUS", "status"],
      ["NETWORK_RESPONSE", "garbage"],
      ["NETWORK_RESPONSE", "huge"],
      ["NETWORK_TIMEOUT", "slow"],
      ["NETWORK_TIMEOUT", "hang"],
      ["NETWORK_UNREACHABLE", "close"],
    ] as const
  ) {
    await sigstore.reset();
    const interaction = person({}, {
      async openBrowser(url) {
        const { headers } = await fetch(url, { redirect: "manual" });
        await sigstore.fault({ service: "oidc", kind });
        await load(headers.get("location") ?? "");
        return true;
      },
    });
    await fault(code, () => source(sigstore).token({ interaction, timeout: 3000 }));
  }
});

test("tokenSource() takes a token of the loopback Sigstore that is given", async () => {
  await using sigstore = await startSigstore();
  const identityToken = new Secret(await sigstore.token({ email: null, sub: "build-7" }));
  const { issuer, subject } = await tokenSource({
    identityToken,
    ambient: false,
    issuer: "",
    clientId: "sigstore",
    outOfBand: false,
    env: {},
  }).token({});
  assert.deepEqual({ issuer, subject }, { issuer: sigstore.issuer, subject: "build-7" });
});
