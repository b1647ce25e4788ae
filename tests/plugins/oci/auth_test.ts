import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import { jsonLogger, type LogFields } from "../../../core/logger.ts";
import type { ObserverEvent } from "../../../core/observer.ts";
import { Secret } from "../../../core/secret.ts";
import {
  type Credentials,
  type CredentialSource,
  passwordCredentials,
} from "../../../plugins/oci/credentials.ts";
import { IDENTITY_TOKEN, PASSWORD, USERNAME } from "../../oci/access.ts";
import { startTestRegistry } from "../../support/registry.ts";
import { codeOf, faultOf, pushModel, shown, storeAt, textIn } from "./_model.ts";

const RIGHT = passwordCredentials(USERNAME, new Secret(PASSWORD));
const WRONG = passwordCredentials(USERNAME, new Secret("hunter2"));

function given(credentials: Credentials): CredentialSource {
  return { find: () => Promise.resolve(credentials) };
}

test("RegistryStore asks for no credentials that the registry does not want", async () => {
  await using registry = await startTestRegistry();
  const credentials: CredentialSource = { find: () => Promise.reject(new Error("asked")) };
  const store = storeAt(registry.host, { credentials });
  await pushModel(store);
  for (const { headers } of await registry.requests()) {
    assert.equal(headers.authorization, undefined);
  }
});

test("RegistryStore authenticates with Basic, once", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "basic" });
  const store = storeAt(registry.host, { credentials: RIGHT });
  const { layer } = await pushModel(store);
  assert.equal(await textIn(await store.blob(layer, {})), "the weights");
  const refused = (await registry.requests()).filter(({ headers }) => !headers.authorization);
  // The first request to pull, and the first to push.
  assert.equal(refused.length, 2);
});

test("RegistryStore authenticates with tokens: for pulling, for pushing, and anonymously", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "bearer" });
  const { manifest } = await pushModel(storeAt(registry.host, { credentials: RIGHT }));
  const scopes = async () =>
    (await registry.requests()).filter(({ part }) => part === "token")
      .map(({ url }) => new URL(url, registry.url).searchParams.getAll("scope"));
  assert.deepEqual(await scopes(), [["repository:models/bert:pull,push"]]);
  await registry.forget();
  await registry.behave({ anonymousPull: true });
  const anonymous = storeAt(registry.host);
  assert.deepEqual((await anonymous.resolve({ tag: "v1" }, {})).descriptor, manifest);
  await anonymous.resolve({ tag: "v1" }, {});
  assert.deepEqual(await scopes(), [["repository:models/bert:pull"]]);
  assert.equal(await codeOf(pushModel(anonymous, "more")), "OCI_UNAUTHORIZED");
});

test("RegistryStore gets a new token when the old one is refused, once", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "bearer" });
  const store = storeAt(registry.host, { credentials: RIGHT });
  const { manifest } = await pushModel(store);
  await store.resolve({ tag: "v1" }, {});
  await registry.expire();
  await registry.forget();
  assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, manifest);
  assert.deepEqual((await registry.requests()).map(({ part }) => part), [
    ...["manifests", "token", "manifests"],
  ]);
});

test("RegistryStore takes an identity token to the token service (OAuth2)", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "bearer" });
  const identity = (token: string) =>
    storeAt(registry.host, {
      credentials: given({ kind: "identity-token", token: new Secret(token) }),
    });
  await pushModel(identity(IDENTITY_TOKEN));
  const asked = (await registry.requests()).filter(({ part }) => part === "token");
  assert.deepEqual(asked.map(({ method, url }) => [method, url]), [["POST", "/token"]]);
  assert.equal(await codeOf(pushModel(identity("other"))), "OCI_UNAUTHORIZED");
});

test("RegistryStore sends a registry token as it is", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "bearer" });
  const token = new Secret("registry-token");
  const store = storeAt(registry.host, { credentials: given({ kind: "registry-token", token }) });
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "OCI_UNAUTHORIZED");
  assert.deepEqual((await registry.requests()).map(({ headers }) => headers.authorization), [
    ...[undefined, "Bearer registry-token"],
  ]);
});

test("RegistryStore gives up when the registry refuses again and again", async () => {
  for (const challenge of ['Basic realm="x"', "bearer"]) {
    await using registry = await startTestRegistry();
    await registry.behave({ auth: "bearer" });
    const value = challenge === "bearer"
      ? `Bearer realm="${registry.url}/token",service="test \\"registry\\""`
      : challenge;
    const headers = { "www-authenticate": value };
    await registry.fault({ part: "manifests", kind: "status", status: 401, headers });
    const store = storeAt(registry.host, { credentials: RIGHT });
    for (let count = 1; count <= 2; count++) {
      assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "OCI_UNAUTHORIZED");
    }
    const asked = (await registry.requests()).filter(({ part }) => part === "manifests");
    assert.equal(asked.length, 4);
  }
});

test("RegistryStore ends with OCI_UNAUTHORIZED for wrong credentials, and without any", async () => {
  for (const auth of ["basic", "bearer"] as const) {
    await using registry = await startTestRegistry();
    await registry.behave({ auth });
    for (const settings of [{ credentials: WRONG }, {}]) {
      const error = await faultOf(storeAt(registry.host, settings).resolve({ tag: "v1" }, {}));
      assert.equal(error.code, "OCI_UNAUTHORIZED");
      assert.notEqual(error.hint, undefined);
    }
  }
});

test("RegistryStore takes no token service that credentials must not be sent to", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host, { credentials: RIGHT });
  for (
    const realm of [
      ...[
        "http://auth.example/token",
        "ftp://127.0.0.1/",
        "/token",
        "",
        "https://a:b@auth.example/",
      ],
    ]
  ) {
    await registry.forget();
    await registry.behave({ auth: "bearer", realm });
    assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "OCI_UNAUTHORIZED", realm);
    assert.equal((await registry.requests()).length, 1);
  }
});

test("RegistryStore follows no redirect of a token service, and believes no answer without a token", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "bearer" });
  const store = storeAt(registry.host, { credentials: RIGHT });
  const ending = async (answer: object) => {
    await registry.forget();
    await registry.fault({ part: "token", kind: "status", ...answer });
    return await codeOf(store.resolve({ tag: "v1" }, {}));
  };
  const location = `${registry.storage}/token`;
  assert.equal(await ending({ status: 307, headers: { location } }), "NETWORK_STATUS");
  assert.ok((await registry.requests()).every(({ origin }) => origin === "registry"));
  for (const body of ["", "<html>", "{}", '{"token": 7}', '{"token": "a\\nb"}', '{"token": "ä"}']) {
    assert.equal(await ending({ status: 200, body }), "NETWORK_RESPONSE", body);
  }
  await registry.forget();
  await registry.fault({ part: "token", kind: "endless" });
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "NETWORK_RESPONSE");
});

test("RegistryStore shows no credentials: not in errors, logs and events", async () => {
  const echo = JSON.stringify({ errors: [{ code: "DENIED", message: `no ${PASSWORD} here` }] });
  const secrets = [
    PASSWORD,
    IDENTITY_TOKEN,
    Buffer.from(`${USERNAME}:${PASSWORD}`).toString("base64"),
  ];
  for (const auth of ["basic", "bearer"] as const) {
    for (const part of ["manifests", "token"] as const) {
      await using registry = await startTestRegistry();
      await registry.behave({ auth });
      const lines: string[] = [];
      const events: ObserverEvent[] = [];
      const logger = jsonLogger({ level: "debug", write: (line) => lines.push(line) });
      const fields: LogFields[] = [];
      const options = {
        logger: {
          log: (...[level, message, more = {}]: Parameters<typeof logger.log>) => {
            fields.push(more);
            logger.log(level, message, more);
          },
        },
        observer: { emit: (event: ObserverEvent) => void events.push(event) },
      };
      const store = storeAt(registry.host, { credentials: RIGHT });
      await pushModel(store);
      await store.resolve({ tag: "v1" }, options);
      await registry.expire();
      await registry.fault({ part, kind: "status", status: 403, body: echo });
      const error = await store.resolve({ tag: "v1" }, options).then(() => undefined, (e) => e);
      const all = [shown(error ?? {}), shown(store), ...lines, JSON.stringify([events, fields])];
      for (const secret of secrets) assert.ok(all.every((text) => !text.includes(secret)), auth);
    }
  }
});
