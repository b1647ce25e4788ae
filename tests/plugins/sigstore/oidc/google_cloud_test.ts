import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { writeFile } from "node:fs/promises";
import { test } from "node:test";
import { ambient } from "./_ambient.ts";
import { folder } from "./_folder.ts";
import { json, loopbackServer } from "./_server.ts";
import { fault, jwt } from "./_token.ts";

const ACCESS_TOKEN = "access-token-of-the-machine-0123456789";
const ACCOUNT = "signer@project-1.iam.gserviceaccount.com";

function metadata(response: ServerResponse, body: string, status: number = 200): void {
  response.writeHead(status, { "metadata-flavor": "Google" });
  response.end(body);
}

test("ambientToken() asks Google Cloud's metadata server, by either of its variables", async () => {
  const text = jwt({ email: ACCOUNT, email_verified: true });
  await using server = await loopbackServer((_, response) => metadata(response, `${text}\n`));
  for (const name of ["GCE_METADATA_HOST", "GCE_METADATA_ROOT"]) {
    const { token, subject } = await ambient({ [name]: server.host }).token({});
    assert.equal(token.reveal(), text);
    assert.equal(subject, ACCOUNT);
  }
  const [asked] = server.asked;
  assert.equal(
    asked?.url.pathname,
    "/computeMetadata/v1/instance/service-accounts/default/identity",
  );
  assert.equal(asked?.url.search, "?audience=sigstore&format=full");
  assert.equal(asked?.headers["metadata-flavor"], "Google");
});

test("ambientToken() knows a machine of Google's by its product name", async () => {
  await using place = await folder();
  await using server = await loopbackServer((_, response) => metadata(response, jwt()));
  const places = { productName: place.at("product_name"), metadataHost: server.host };
  for (const name of ["Google\n", "Google Compute Engine\n"]) {
    await writeFile(places.productName, name);
    await ambient({}, places).token({});
  }
  assert.equal(server.asked.length, 2);
  for (const name of ["Standard PC (Q35 + ICH9, 2009)\n", "Not Google\n", ""]) {
    await writeFile(places.productName, name);
    await fault("TOKEN_UNAVAILABLE", () => ambient({}, places).token({}));
  }
  assert.equal(server.asked.length, 2);
});

test("ambientToken() passes by a machine of Google's without a service account", async () => {
  await using server = await loopbackServer((_, response) => metadata(response, "Not Found", 404));
  const env = { GCE_METADATA_HOST: server.host };
  await fault("TOKEN_UNAVAILABLE", () => ambient(env).token({}));
  await using place = await folder();
  await writeFile(place.at("token"), jwt({ sub: "file" }));
  assert.equal((await ambient(env, { tokenFile: place.at("token") }).token({})).subject, "file");
});

test("ambientToken() believes no metadata server that does not say that it is Google's", async () => {
  const text = jwt();
  for (const status of [200, 404]) {
    await using server = await loopbackServer((_, response) => {
      response.writeHead(status);
      response.end(text);
    });
    const env = { GCE_METADATA_HOST: server.host };
    await fault("NETWORK_RESPONSE", () => ambient(env).token({}), text);
  }
});

test("ambientToken() reports a metadata server that refuses, is silent, or says too much", async () => {
  await using refusing = await loopbackServer((_, response) => metadata(response, "no", 403));
  await fault("NETWORK_STATUS", () => ambient({ GCE_METADATA_HOST: refusing.host }).token({}));
  await using silent = await loopbackServer(() => {});
  await fault(
    "NETWORK_TIMEOUT",
    () => ambient({ GCE_METADATA_HOST: silent.host }).token({ timeout: 100 }),
  );
  await using talking = await loopbackServer((_, response) =>
    metadata(response, "x".repeat(70_000))
  );
  await fault("NETWORK_RESPONSE", () => ambient({ GCE_METADATA_HOST: talking.host }).token({}));
});

test("ambientToken() refuses a metadata host that is more than a host", async () => {
  for (
    const host of [
      "http://127.0.0.1",
      "127.0.0.1/path",
      "user@127.0.0.1",
      "127.0.0.1?x",
      "127.0.0.1:99999",
      "a b",
      "[::1",
    ]
  ) {
    await fault("TOKEN_UNAVAILABLE", () => ambient({ GCE_METADATA_HOST: host }).token({}));
  }
});

test("ambientToken() impersonates the service account that the variable names", async () => {
  const text = jwt({ email: ACCOUNT, email_verified: true });
  await using server = await loopbackServer((_, response) =>
    metadata(response, JSON.stringify({ access_token: ACCESS_TOKEN, token_type: "Bearer" }))
  );
  await using iam = await loopbackServer((_, response) => json(response, { token: text }));
  const source = ambient(
    { GOOGLE_SERVICE_ACCOUNT_NAME: ACCOUNT },
    { metadataHost: server.host, iamCredentials: iam.origin },
  );
  assert.equal((await source.token({})).token.reveal(), text);
  assert.equal(
    server.asked[0]?.url.pathname,
    "/computeMetadata/v1/instance/service-accounts/default/token",
  );
  assert.equal(
    server.asked[0]?.url.searchParams.get("scopes"),
    "https://www.googleapis.com/auth/cloud-platform",
  );
  const [asked] = iam.asked;
  assert.equal(asked?.method, "POST");
  assert.equal(
    asked?.url.pathname,
    `/v1/projects/-/serviceAccounts/${ACCOUNT}:generateIdToken`,
  );
  assert.equal(asked?.headers.authorization, `Bearer ${ACCESS_TOKEN}`);
  assert.deepEqual(JSON.parse(asked?.body ?? ""), { audience: "sigstore", includeEmail: true });
});

test("ambientToken() reports what goes wrong with impersonating, and shows no secret", async () => {
  const granted = JSON.stringify({ access_token: ACCESS_TOKEN });
  for (
    const [code, machine, status, answer] of [
      ["NETWORK_STATUS", granted, 403, { error: { message: "denied" } }],
      ["NETWORK_STATUS", granted, 403, { message: `no ${ACCESS_TOKEN}` }],
      ["NETWORK_RESPONSE", granted, 200, {}],
      ["NETWORK_RESPONSE", granted, 200, { token: [] }],
      ["TOKEN_MALFORMED", granted, 200, { token: ACCESS_TOKEN }],
      ["NETWORK_RESPONSE", "{}", 200, {}],
      ["NETWORK_RESPONSE", ACCESS_TOKEN, 200, {}],
    ] as const
  ) {
    await using server = await loopbackServer((_, response) => metadata(response, machine));
    await using iam = await loopbackServer((_, response) => json(response, answer, status));
    const source = ambient(
      { GOOGLE_SERVICE_ACCOUNT_NAME: ACCOUNT },
      { metadataHost: server.host, iamCredentials: iam.origin },
    );
    await fault(code, () => source.token({}), ACCESS_TOKEN);
  }
});

test("ambientToken() impersonates nobody without a service account of the machine's own", async () => {
  await using server = await loopbackServer((_, response) => metadata(response, "Not Found", 404));
  const source = ambient({ GOOGLE_SERVICE_ACCOUNT_NAME: ACCOUNT, GCE_METADATA_HOST: server.host });
  await fault("TOKEN_UNAVAILABLE", () => source.token({}));
});

test("ambientToken() refuses a service account whose name would change the request", async () => {
  await using server = await loopbackServer((_, response) =>
    metadata(response, JSON.stringify({ access_token: ACCESS_TOKEN }))
  );
  for (const name of ["../../v2/x", "a/b@c", "a@b?x=", "a@b#", "a@b%2f", "a b", "a@b@c", "é@b"]) {
    const env = { GOOGLE_SERVICE_ACCOUNT_NAME: name, GCE_METADATA_HOST: server.host };
    await fault("TOKEN_UNAVAILABLE", () => ambient(env).token({}));
  }
  assert.equal(server.asked.length, 0);
});
