/** Variables by which the runtime would show secrets, or hand them to others. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer as createProxy } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { disarmRuntime } from "../../cli/runtime_variables.ts";
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

test("nothing that is sent to this machine without TLS goes through a proxy", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const token = await sigstore.token();
  const seen: string[] = [];
  const proxy = createProxy((request, response) => {
    seen.push(request.url!);
    response.writeHead(502).end();
  });
  proxy.on("connect", (request, socket) => {
    seen.push(request.url!);
    socket.destroy();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", () => resolve()));
  try {
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const proxies = { HTTP_PROXY: address, http_proxy: address, HTTPS_PROXY: address };
    const none = { NO_PROXY: "", no_proxy: "example.org", DENO_NO_UPDATE_CHECK: "1" };
    const env = { ...proxies, ...none, MODEL_SIGNING_IDENTITY_TOKEN: token };
    assertStatus(await at.run(signing(sigstore), { env }), 0, "sign");
    assert.deepEqual(seen, []);
    // Others do: it is a proxy.
    await at.run(["trust", "update", "--tuf-url", "https://example.com"], { env });
    assert.notDeepEqual(seen, []);
  } finally {
    await new Promise((resolve) => proxy.close(resolve));
  }
});

test("disarmRuntime() adds to what needs no proxy, and sets nothing else that is not there", () => {
  const environment: Record<string, string | undefined> = { NO_PROXY: "a.example", no_proxy: "" };
  disarmRuntime(environment);
  const { NO_PROXY, no_proxy, ...others } = environment;
  assert.deepEqual(others, {});
  assert.equal(NO_PROXY, no_proxy);
  const hosts = NO_PROXY!.split(",");
  for (const host of ["a.example", "localhost", "127.0.0.1", "metadata.google.internal"]) {
    assert.ok(hosts.includes(host), host);
  }
});
