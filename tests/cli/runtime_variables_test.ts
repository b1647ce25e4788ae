/** Variables by which the runtime would show secrets, or talk to anybody. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import { startSigstore } from "../support/sigstore.ts";
import { assertHidden, desk, signing } from "../support/sigstore_cli.ts";

test("the runtime prints no request with a token in it when a variable tells it to", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  for (const value of ["curl", "true", "1"]) {
    const { stdout, stderr, ...outcome } = await at.run(signing(sigstore), {
      env: { MODEL_SIGNING_IDENTITY_TOKEN: token, BUN_CONFIG_VERBOSE_FETCH: value },
    });
    assertStatus({ stdout, stderr, ...outcome }, 0, value);
    assertHidden(token, { stdout, stderr });
  }
});

test("the runtime checks TLS certificates also when a variable tells it not to", async () => {
  using pki = new Pki();
  const { certificate, key } = pki.root({ extensions: ["subjectAltName=IP:127.0.0.1"] });
  let asked = 0;
  const files = { cert: readFileSync(certificate), key: readFileSync(key) };
  const server = createServer(files, (_, response) => {
    asked++;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  try {
    await using at = await desk();
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const outcome = await at.run(["trust", "update", "--tuf-url", url], {
      env: { NODE_TLS_REJECT_UNAUTHORIZED: "0" },
    });
    assertFault(outcome, 3, "NETWORK_UNREACHABLE");
    assert.equal(asked, 0);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
