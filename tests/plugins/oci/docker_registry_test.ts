/** Debian's docker-registry and skopeo: a registry without the referrers API, and another client. */

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "../../../core/secret.ts";
import { trustAuthorities } from "../../../plugins/_http/mod.ts";
import { passwordCredentials } from "../../../plugins/oci/credentials.ts";
import { dockerCredentials } from "../../../plugins/oci/docker_config.ts";
import type { RegistrySettings } from "../../../plugins/oci/transport.ts";
import { isInstalled, leftOutTest } from "../../support/left_out.ts";
import { Pki } from "../../support/pki.ts";
import {
  DOCKER_USER,
  type DockerRegistrySettings,
  hasDockerRegistry,
  startDockerRegistry,
} from "../../support/registry.ts";
import { startTokenService } from "../../support/token_service.ts";
import { workbench } from "../../support/workbench.ts";
import { newLayout } from "./_layout.ts";
import { attachText, codeOf, pushModel, REPOSITORY, storeAt, textIn, usable } from "./_model.ts";

const PASSWORD = passwordCredentials(DOCKER_USER.username, new Secret(DOCKER_USER.password));

/** Extensions of a server's certificate on loopback. */
const SERVER = ["subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth"];

function registryTest(name: string, run: () => Promise<void>): void {
  if (hasDockerRegistry) test(name, run);
  else leftOutTest(name, "docker-registry is not installed");
}

/** Pushes a model, attaches two bundles, and reads everything back. */
async function roundTrip(host: string, settings: RegistrySettings): Promise<void> {
  const store = storeAt(host, settings);
  const { manifest, layer } = await pushModel(store);
  const attached = await Promise.all(
    ["one", "two"].map((text) => attachText(storeAt(host, settings), manifest, text)),
  );
  const reader = storeAt(host, settings);
  assert.deepEqual((await reader.resolve({ tag: "v1" }, {})).descriptor, manifest);
  assert.equal(await textIn(await reader.blob(layer, {})), "the weights");
  const digests = attached.map(({ digest }) => digest).sort();
  assert.deepEqual(await usable(reader, manifest.digest), digests);
  assert.equal(await codeOf(reader.resolve({ tag: "v2" }, {})), "OCI_NOT_FOUND");
}

async function onRegistry(settings: DockerRegistrySettings, run: (host: string) => Promise<void>) {
  await using registry = await startDockerRegistry(settings);
  await run(registry.host);
}

registryTest("RegistryStore works with docker-registry on loopback", async () => {
  await onRegistry({}, (host) => roundTrip(host, {}));
});

registryTest("RegistryStore works with docker-registry and a password", async () => {
  await onRegistry({ password: true }, async (host) => {
    await roundTrip(host, { credentials: PASSWORD });
    const wrong = passwordCredentials(DOCKER_USER.username, new Secret("wrong"));
    for (const settings of [{}, { credentials: wrong }]) {
      assert.equal(
        await codeOf(storeAt(host, settings).resolve({ tag: "v1" }, {})),
        "OCI_UNAUTHORIZED",
      );
    }
  });
});

registryTest(
  "RegistryStore works with docker-registry and TLS from an authority of one's own",
  async () => {
    using pki = new Pki();
    const root = pki.root();
    const tls = pki.leaf(root, { extensions: SERVER });
    await onRegistry({ tls }, async (host) => {
      const trust = trustAuthorities(readFileSync(root.certificate), "root.pem");
      await roundTrip(host, { trust });
      const other = trustAuthorities(readFileSync(pki.root().certificate), "other.pem");
      for (const settings of [{ plainHttp: false }, { trust: other }]) {
        const resolve = storeAt(host, settings).resolve({ tag: "v1" }, {});
        assert.equal(await codeOf(resolve), "NETWORK_UNREACHABLE");
      }
      // Without TLS it answers in plain text that it wants it.
      assert.equal(await codeOf(storeAt(host).resolve({ tag: "v1" }, {})), "NETWORK_STATUS");
    });
  },
);

registryTest("RegistryStore works with docker-registry and a token service", async () => {
  using pki = new Pki();
  await using service = await startTokenService(pki);
  const { realm, issuer, certificates } = service;
  const token = { realm, issuer, service: "docker-registry", certificates };
  await onRegistry({ token }, async (host) => {
    await roundTrip(host, { credentials: PASSWORD });
    const asked = service.scopes.toSorted();
    assert.deepEqual([...new Set(asked)], [
      ...[`repository:${REPOSITORY}:pull`, `repository:${REPOSITORY}:pull,push`],
    ]);
    assert.equal(await codeOf(storeAt(host).resolve({ tag: "v1" }, {})), "OCI_UNAUTHORIZED");
  });
});

if (!isInstalled("skopeo")) {
  leftOutTest("RegistryStore and LayoutStore read what skopeo writes", "skopeo is not installed");
} else {
  registryTest("RegistryStore and LayoutStore read what skopeo writes", async () => {
    await using registry = await startDockerRegistry({ password: true });
    await using layout = await newLayout();
    await using bench = await workbench();
    const { manifest, layer } = await pushModel(layout.store);
    const attached = await attachText(layout.store, manifest, "a bundle");
    const authFile = join(bench.path, "auth.json");
    const { username, password } = DOCKER_USER;
    const skopeo = (...args: readonly string[]) =>
      execFileSync("skopeo", args, { encoding: "utf8" });
    skopeo(
      ...["login", "--tls-verify=false", "--authfile", authFile, "--username", username],
      ...["--password", password, registry.host],
    );
    const remote = `docker://${registry.host}/${REPOSITORY}`;
    const plain = ["--authfile", authFile, "--src-tls-verify=false", "--dest-tls-verify=false"];
    skopeo("copy", ...plain, `oci:${layout.path}:v1`, `${remote}:v1`);
    // With the credentials that skopeo has stored.
    const credentials = dockerCredentials({ REGISTRY_AUTH_FILE: authFile });
    const store = storeAt(registry.host, { credentials });
    assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, manifest);
    assert.equal(await textIn(await store.blob(layer, {})), "the weights");
    assert.deepEqual(await attachText(store, manifest, "a bundle"), attached);
    // Back again: what skopeo adds to the layout is read there.
    skopeo("copy", ...plain, `${remote}:v1`, `oci:${layout.path}:copy`);
    assert.deepEqual((await layout.store.resolve({ tag: "copy" }, {})).descriptor, manifest);
    assert.deepEqual(await usable(layout.store, manifest.digest), [attached.digest]);
    const raw = skopeo("inspect", "--raw", `oci:${layout.path}:v1`);
    assert.equal(JSON.parse(raw).layers[0].digest, layer.digest);
  });
}
