import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { type Sigstore, startSigstore } from "../support/sigstore.ts";

function configuration({ issuer }: Sigstore, signal?: AbortSignal): Promise<Response> {
  return fetch(`${issuer}/.well-known/openid-configuration`, signal ? { signal } : {});
}

async function statusOf(response: Promise<Response>): Promise<number> {
  const { status, body } = await response;
  await body?.cancel();
  return status;
}

test("stop() ends the instance and removes its folder", async () => {
  const sigstore = await startSigstore();
  assert.ok(existsSync(sigstore.trustConfig));
  assert.equal(await statusOf(configuration(sigstore)), 200);
  await sigstore.stop();
  assert.ok(!existsSync(sigstore.folder));
  await assert.rejects(configuration(sigstore));
  await sigstore.stop();
});

test("the trust configurations differ in the log only", async () => {
  await using sigstore = await startSigstore();
  const [one, two] = [sigstore.trustConfig, sigstore.trustConfigV2].map((path) =>
    JSON.parse(readFileSync(path, "utf8"))
  );
  assert.deepEqual(one.trustedRoot, two.trustedRoot);
  assert.equal(one.signingConfig.rekorTlogUrls[0].url, sigstore.url);
  assert.equal(one.signingConfig.rekorTlogUrls[0].majorApiVersion, 1);
  assert.equal(two.signingConfig.rekorTlogUrls[0].url, sigstore.rekor2);
  assert.equal(two.signingConfig.rekorTlogUrls[0].majorApiVersion, 2);
  assert.deepEqual(one.trustedRoot, JSON.parse(readFileSync(sigstore.trustedRoot, "utf8")));
});

test("requests() lists requests to services without what was in them", async () => {
  await using sigstore = await startSigstore();
  await sigstore.token();
  await statusOf(fetch(`${sigstore.issuer}/auth?code_challenge=hidden`));
  await statusOf(fetch(`${sigstore.url}/nowhere`));
  assert.deepEqual(await sigstore.requests(), [
    { service: "oidc", method: "GET", path: "/auth/auth" },
    { service: "none", method: "GET", path: "/nowhere" },
  ]);
  await sigstore.reset();
  assert.deepEqual(await sigstore.requests(), []);
});

test("a fault hits as many requests as it was told, and its service only", async () => {
  await using sigstore = await startSigstore();
  await sigstore.fault({
    ...{ service: "oidc", kind: "status", status: 503, body: "later", count: 2 },
    headers: { "retry-after": "7" },
  });
  assert.equal(await statusOf(fetch(`${sigstore.url}/api/v2/trustBundle`)), 200);
  const response = await configuration(sigstore);
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "7");
  assert.equal(await response.text(), "later");
  assert.equal(await statusOf(configuration(sigstore)), 503);
  assert.equal(await statusOf(configuration(sigstore)), 200);
});

test("reset() turns a fault off", async () => {
  await using sigstore = await startSigstore();
  await sigstore.fault({ service: "oidc", kind: "garbage" });
  await assert.rejects((await configuration(sigstore)).json());
  assert.equal(await statusOf(configuration(sigstore)), 200);
  await sigstore.reset();
  await (await configuration(sigstore)).json();
});

test("a service closes, hangs, and answers slowly or too much", async () => {
  await using sigstore = await startSigstore();
  await sigstore.fault({ service: "oidc", kind: "close" });
  await assert.rejects(configuration(sigstore));

  await sigstore.fault({ service: "oidc", kind: "hang" });
  await assert.rejects(configuration(sigstore, AbortSignal.timeout(300)));

  await sigstore.fault({ service: "oidc", kind: "slow" });
  await assert.rejects(async () => {
    await (await configuration(sigstore, AbortSignal.timeout(500))).text();
  });

  await sigstore.fault({ service: "oidc", kind: "huge" });
  let length = 0;
  const abort = new AbortController();
  await assert.rejects(async () => {
    for await (const chunk of (await configuration(sigstore, abort.signal)).body!) {
      length += chunk.length;
      if (length > 1024 * 1024) abort.abort();
    }
  });
  assert.ok(length > 1024 * 1024);

  await sigstore.reset();
  assert.equal(await statusOf(configuration(sigstore)), 200);
});

test("faults that no service has are refused", async () => {
  await using sigstore = await startSigstore();
  await assert.rejects(sigstore.fault({ service: "tsa", kind: "no-sct" }));
  await assert.rejects(sigstore.fault({ service: "tuf", kind: "nonsense" }));
});
