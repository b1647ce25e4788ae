import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { PASSWORD, USERNAME } from "../oci/access.ts";
import { leftOutTest } from "../support/left_out.ts";
import { LAYERS, ociDesk, signing, verifying } from "../support/oci_cli.ts";
import { pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertStatus, type Outcome } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import {
  DOCKER_USER,
  type DockerRegistry,
  type DockerRegistrySettings,
  hasDockerRegistry,
  startDockerRegistry,
  startTestRegistry,
} from "../support/registry.ts";
import { assertHidden, type Desk } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";
import { startTokenService } from "../support/token_service.ts";

/** Extensions of a server's certificate on loopback. */
const SERVER = ["subjectAltName=IP:127.0.0.1", "extendedKeyUsage=serverAuth"];

const { username, password } = DOCKER_USER;

/** As credentials are stored, and sent. */
function pair(user: string, secret: string): string {
  return Buffer.from(`${user}:${secret}`).toString("base64");
}

/** A test that needs Debian's `docker-registry`. */
function registryTest(name: string, run: () => Promise<void>): void {
  if (hasDockerRegistry) test(name, run);
  else leftOutTest(name, "docker-registry is not installed");
}

function at({ host }: { readonly host: string }): string {
  return `oci://${host}/${REPOSITORY}:v1`;
}

/** A `docker-registry` with a password, and a model in it. */
async function lockedRegistry(settings: DockerRegistrySettings = {}): Promise<DockerRegistry> {
  const registry = await startDockerRegistry({ password: true, ...settings });
  const authorization = `Basic ${pair(username, password)}`;
  await pushModel(registry.host, { layers: LAYERS, authorization });
  return registry;
}

/** Writes Docker's configuration to where the desk looks for it. */
async function writeDockerConfig({ cache, env }: Desk, config: unknown): Promise<void> {
  const folder = env["DOCKER_CONFIG"]!;
  assert.ok(folder.startsWith(cache));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
}

/** Signs and verifies with the same options. */
async function roundTrip(
  desk: Desk,
  model: string,
  options: readonly string[] = [],
  given: { readonly env?: Readonly<Record<string, string>>; readonly stdin?: string } = {},
): Promise<readonly Outcome[]> {
  const signed = await desk.run(signing(model, ...options), given);
  assertStatus(signed, 0, "sign");
  const verified = await desk.run(verifying(model, ...options), given);
  assertStatus(verified, 0, "verify");
  return [signed, verified];
}

registryTest("a registry's password comes from docker login's file", async () => {
  await using registry = await lockedRegistry();
  await using desk = await ociDesk();
  const auths = { [registry.host]: { auth: pair(username, password) } };
  await writeDockerConfig(desk, { auths });
  await roundTrip(desk, at(registry));
  for (const command of ["digest", "discover"]) {
    assertStatus(await desk.run([command, at(registry)]), 0, command);
  }
  await writeDockerConfig(desk, {});
  // Podman's file.
  await desk.write({ "auth.json": JSON.stringify({ auths }) });
  const podman = { REGISTRY_AUTH_FILE: join(desk.path, "auth.json") };
  assertStatus(await desk.run(verifying(at(registry)), { env: podman }), 0, "podman");
});

registryTest("a registry's password comes from the command's variable, or stdin", async () => {
  await using registry = await lockedRegistry();
  await using desk = await ociDesk();
  const user = ["--registry-username", username];
  await roundTrip(desk, at(registry), user, {
    env: { MODEL_SIGNING_REGISTRY_PASSWORD: password },
  });
  const stdin = [...user, "--registry-password-stdin"];
  for (const text of [password, `${password}\n`, `${password}\r\n`]) {
    await roundTrip(desk, at(registry), stdin, { stdin: text });
  }
  await roundTrip(desk, at(registry), [...user, "--registry-password", password]);
});

if (process.platform !== "win32") {
  registryTest("a registry's password comes from a credential helper", async () => {
    await using registry = await lockedRegistry();
    await using desk = await ociDesk();
    const answer = JSON.stringify({ Username: username, Secret: password });
    await desk.write({
      "bin/docker-credential-desk":
        `#!/bin/sh\nread server\necho "$1 $server" >> ${desk.cache}/asked\n` +
        `env > ${desk.cache}/environment\necho '${answer}'\n`,
    });
    await chmod(join(desk.path, "bin/docker-credential-desk"), 0o755);
    await writeDockerConfig(desk, { credsStore: "desk" });
    const env = {
      PATH: `${join(desk.path, "bin")}:${process.env["PATH"]}`,
      MODEL_SIGNING_TIMEOUT: "60s",
    };
    const [signed] = await roundTrip(desk, at(registry), ["--log-level", "debug"], { env });
    const asked = await readFile(join(desk.cache, "asked"), "utf8");
    assert.deepEqual([...new Set(asked.trim().split("\n"))], [`get ${registry.host}`]);
    const given = await readFile(join(desk.cache, "environment"), "utf8");
    assert.doesNotMatch(given, /MODEL_SIGNING_/);
    assertHidden(password, { stderr: signed!.stderr });
    // One that fails says so, and nothing of what it wrote.
    await desk.write({ "bin/docker-credential-desk": `#!/bin/sh\necho ${password}\nexit 1\n` });
    const failed = await desk.run(verifying(at(registry), "--log-level", "debug"), { env });
    assertFault(failed, 3, "OCI_CREDENTIALS");
    assertHidden(password, { stderr: failed.stderr });
  });
}

registryTest("a registry with a token service is given tokens for what is done", async () => {
  using pki = new Pki();
  await using service = await startTokenService(pki);
  const { realm, issuer, certificates, scopes } = service;
  await using registry = await startDockerRegistry({
    token: { realm, issuer, service: "docker-registry", certificates },
  });
  const token = await (await fetch(
    `${realm}?service=docker-registry&scope=repository:${REPOSITORY}:pull,push`,
    { headers: { authorization: `Basic ${pair(username, password)}` } },
  )).json();
  await pushModel(registry.host, { layers: LAYERS, authorization: `Bearer ${token.token}` });
  await using desk = await ociDesk();
  await writeDockerConfig(desk, {
    auths: { [registry.host]: { auth: pair(username, password) } },
  });
  const before = scopes.length;
  assertStatus(await desk.run(verifying(at(registry))), 1, "unsigned");
  assert.deepEqual([...new Set(scopes.slice(before))], [`repository:${REPOSITORY}:pull`]);
  const texts = await roundTrip(desk, at(registry), ["--log-level", "debug"]);
  assert.ok(scopes.includes(`repository:${REPOSITORY}:pull,push`));
  for (const { stdout, stderr } of texts) {
    assertHidden(password, { stdout, stderr });
    assert.doesNotMatch(stdout + stderr, /eyJ/);
  }
  await writeDockerConfig(desk, {});
  assertFault(await desk.run(verifying(at(registry))), 3, "OCI_UNAUTHORIZED");
});

registryTest(
  "a registry's certificate is from a public authority or from --registry-ca",
  async () => {
    using pki = new Pki();
    const root = pki.root();
    const tls = pki.leaf(root, { extensions: SERVER });
    await using registry = await startDockerRegistry({ tls });
    await using desk = await ociDesk();
    const ca = ["--registry-ca", root.certificate];
    const model = at(registry);
    // There is nothing yet, which only one who was let in can know.
    const missing = await desk.run(["digest", model, ...ca]);
    assertFault(missing, 3, "OCI_NOT_FOUND");
    const other = ["--registry-ca", pki.root().certificate];
    for (const options of [["--no-registry-plain-http"], other]) {
      const outcome = await desk.run(["digest", model, ...options]);
      assertFault(outcome, 3, "NETWORK_UNREACHABLE");
    }
    const env = { MODEL_SIGNING_REGISTRY_CA: root.certificate };
    assertFault(await desk.run(["digest", model], { env }), 3, "OCI_NOT_FOUND");
    await desk.write({ "none.pem": "no certificate" });
    assertFault(
      await desk.run(["digest", model, "--registry-ca", "none.pem"]),
      3,
      "CERTIFICATE_FILE_MALFORMED",
    );
  },
);

test("plain HTTP is for this machine, unless it is asked for, and never by a variable", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  const digest = ["digest", at(registry)];
  assertStatus(await desk.run(digest), 0, "loopback");
  assertStatus(await desk.run([...digest, "--registry-plain-http"]), 0, "asked for");
  const encrypted = await desk.run([...digest, "--no-registry-plain-http"]);
  assertFault(encrypted, 3, "NETWORK_UNREACHABLE");
  // Another name than that of loopback: it is spoken to in TLS, which nobody here does.
  const elsewhere = `oci://registry.invalid:${registry.host.split(":")[1]}/m:v1`;
  const env = { MODEL_SIGNING_REGISTRY_PLAIN_HTTP: "true" };
  assertFault(await desk.run(["digest", elsewhere], { env }), 3, "NETWORK_UNREACHABLE");
});

registryTest("wrong credentials, and none, end with OCI_UNAUTHORIZED and a hint", async () => {
  await using registry = await lockedRegistry();
  await using desk = await ociDesk();
  const before = snapshot(desk.path);
  const wrong = ["--registry-username", username, "--registry-password-stdin"];
  for (const options of [[], wrong]) {
    for (const args of [signing(at(registry)), verifying(at(registry))]) {
      const outcome = await desk.run([...args, ...options], { stdin: "not-the-password" });
      assertFault(outcome, 3, "OCI_UNAUTHORIZED");
      assert.match(outcome.stderr, /hint: /);
      assertHidden("not-the-password", { stderr: outcome.stderr });
      assert.equal(outcome.stdout, "");
    }
  }
  assert.deepEqual(snapshot(desk.path), before);
});

test("a user without a password, and a password without a user, are wrong usage", async () => {
  await using desk = await ociDesk();
  const model = "oci://127.0.0.1:1/m:v1";
  const env = { MODEL_SIGNING_REGISTRY_PASSWORD: "secret" };
  assertFault(await desk.run(["digest", model], { env }), 2, "USAGE");
  assertFault(await desk.run(["digest", model, "--registry-password-stdin"]), 2, "USAGE");
  const user = ["--registry-username", "ada"];
  // Nobody is at the terminal who could be asked for it, when it is wanted.
  await using registry = await startTestRegistry();
  await pushModel(registry.host, { layers: LAYERS });
  const known = ["digest", `oci://${registry.host}/${REPOSITORY}:v1`, ...user];
  assertStatus(await desk.run(known), 0, "a registry that asks nobody");
  await registry.behave({ auth: "basic" });
  const asked = await desk.run(known);
  assertFault(asked, 3, "INTERACTION_UNAVAILABLE");
  assert.match(asked.stderr, /hint: .*--registry-password-stdin/);
  for (const stdin of ["", "\n"]) {
    const args = ["digest", model, ...user, "--registry-password-stdin"];
    assertFault(await desk.run(args, { stdin }), 2, "USAGE");
  }
});

for (const auth of ["basic", "bearer"] as const) {
  test(`passwords and tokens are never shown: ${auth}`, async () => {
    await using registry = await startTestRegistry();
    await pushModel(registry.host, { layers: LAYERS });
    await registry.behave({ auth });
    await using desk = await ociDesk();
    const user = ["--registry-username", USERNAME, "--log-level", "debug"];
    const env = { MODEL_SIGNING_REGISTRY_PASSWORD: PASSWORD };
    const shown: Record<string, string> = {};
    const collect = (what: string, { stdout, stderr }: Outcome) => {
      shown[`${what} stdout`] = stdout;
      shown[`${what} stderr`] = stderr;
    };
    for (const format of ["text", "json"]) {
      const options = [...user, "--log-format", format];
      const [signed, verified] = await roundTrip(desk, at(registry), options, { env });
      collect(`sign ${format}`, signed!);
      collect(`verify ${format}`, verified!);
    }
    // Also when the registry, or its token service, repeats what it was sent.
    const said = `${PASSWORD} ${pair(USERNAME, PASSWORD)}`;
    await registry.fault({
      part: auth === "basic" ? "manifests" : "token",
      kind: "status",
      status: 401,
      headers: { "www-authenticate": 'Basic realm="test"' },
      body: JSON.stringify({ errors: [{ code: "X", message: said }] }),
    });
    const refused = await desk.run(
      verifying(at(registry), ...user, "--output-file", "log.txt"),
      { env },
    );
    assertFault(refused, 3, "OCI_UNAUTHORIZED");
    collect("refused", refused);
    shown["log"] = await readFile(join(desk.path, "log.txt"), "utf8");
    for (const [name, text] of Object.entries(shown)) {
      for (const secret of [PASSWORD, pair(USERNAME, PASSWORD), "Bearer "]) {
        assert.ok(!text.includes(secret), `${name} shows ${secret}:\n${text}`);
      }
    }
    for (const { headers } of await registry.requests()) {
      const token = headers.authorization?.replace(/^\w+ /, "");
      if (token === undefined) continue;
      for (const [name, text] of Object.entries(shown)) assert.ok(!text.includes(token), name);
    }
  });
}
