import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../core/secret.ts";
import { passwordCredentials } from "../../../plugins/oci/credentials.ts";
import { PASSWORD, USERNAME } from "../../oci/access.ts";
import { startTestRegistry } from "../../support/registry.ts";
import { codeOf, faultOf, pushModel, REPOSITORY, shown, storeAt, textIn } from "./_model.ts";

const CREDENTIALS = passwordCredentials(USERNAME, new Secret(PASSWORD));

test("RegistryStore.blob() follows a redirect to storage without credentials", async () => {
  for (const auth of ["basic", "bearer"] as const) {
    await using registry = await startTestRegistry();
    await registry.behave({ auth, redirects: true });
    const store = storeAt(registry.host, { credentials: CREDENTIALS });
    const { layer } = await pushModel(store);
    await registry.forget();
    assert.equal(await textIn(await store.blob(layer, {})), "the weights");
    const seen = await registry.requests();
    const at = (origin: string) => seen.filter((request) => request.origin === origin);
    assert.ok(at("registry").some(({ headers }) => headers.authorization !== undefined));
    assert.equal(at("storage").length, 1);
    for (const { headers } of at("storage")) {
      assert.deepEqual(Object.keys(headers).filter((name) => /auth|cookie/.test(name)), []);
    }
  }
});

test("RegistryStore tells no credentials to storage that asks for them", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "basic", redirects: true });
  const store = storeAt(registry.host, { credentials: CREDENTIALS });
  const { layer } = await pushModel(store);
  await registry.forget();
  await registry.fault({
    ...{ part: "storage", kind: "status", status: 401 },
    headers: { "www-authenticate": 'Basic realm="storage"' },
  });
  assert.equal(await codeOf(store.blob(layer, {})), "NETWORK_STATUS");
  const asked = (await registry.requests()).filter(({ origin }) => origin === "storage");
  assert.deepEqual(asked.map(({ headers }) => headers.authorization), [undefined]);
});

test("RegistryStore tells no credentials to the registry itself by way of another origin", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "basic", redirects: true });
  const store = storeAt(registry.host, { credentials: CREDENTIALS });
  const { layer } = await pushModel(store);
  await registry.forget();
  const location = `${registry.url}/v2/other/manifests/v1`;
  await registry.fault({ part: "storage", kind: "status", status: 307, headers: { location } });
  assert.equal(await codeOf(store.blob(layer, {})), "NETWORK_STATUS");
  const last = (await registry.requests()).at(-1)!;
  assert.deepEqual([last.origin, last.url, last.headers.authorization], [
    ...["registry", "/v2/other/manifests/v1", undefined],
  ]);
});

test("RegistryStore follows redirects within the registry with its credentials", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "basic" });
  const store = storeAt(registry.host, { credentials: CREDENTIALS });
  const { manifest } = await pushModel(store);
  for (const status of [301, 302, 303, 307, 308]) {
    const headers = { location: `./${manifest.digest}` };
    await registry.fault({ part: "manifests", kind: "status", status, headers, count: 1 });
    assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, manifest);
  }
});

test("RegistryStore ends a redirect loop", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const headers = { location: `/v2/${REPOSITORY}/manifests/v1` };
  await registry.fault({ part: "manifests", kind: "status", status: 307, headers });
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "NETWORK_RESPONSE");
  assert.equal((await registry.requests()).length, 6);
});

test("RegistryStore follows no redirect to an address that it must not use, and shows none", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  for (
    const location of [
      ...[
        "http://elsewhere.example/?signature=secret",
        "file:///etc/passwd?secret",
        "data:,secret",
      ],
      ...[
        "http://ada:secret@127.0.0.1/",
        "http://[secret",
        "https://ada:secret@elsewhere.example/",
      ],
    ]
  ) {
    await registry.forget();
    await registry.fault({ part: "manifests", kind: "status", status: 307, headers: { location } });
    const error = await faultOf(store.resolve({ tag: "v1" }, {}));
    assert.equal(error.code, "NETWORK_RESPONSE", location);
    assert.ok(!shown(error).includes("secret"), location);
    assert.equal((await registry.requests()).length, 1);
  }
});

test("RegistryStore pushes nothing to where it is redirected", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  await pushModel(store);
  await registry.forget();
  const headers = { location: `${registry.storage}/` };
  await registry.fault({ part: "manifests", method: "PUT", kind: "status", status: 307, headers });
  assert.equal(await codeOf(pushModel(store)), "NETWORK_STATUS");
  assert.ok((await registry.requests()).every(({ origin }) => origin === "registry"));
});
