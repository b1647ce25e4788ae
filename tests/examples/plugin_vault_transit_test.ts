/** The ES module signer of examples/plugins/vault-transit, with a service on loopback. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { assertFault, assertStatus } from "../support/outcome.ts";
import { type PluginBench, pluginBench } from "../support/plugin_bench.ts";
import {
  VAULT_TOKEN,
  type VaultFault,
  type VaultServer,
  vaultServer,
} from "../support/vault_server.ts";

const MODULE = fileURLToPath(
  new URL("../../examples/plugins/vault-transit/vault_transit.ts", import.meta.url),
);
const PLUGIN = ["--plugin", MODULE];
const ENV = { VAULT_TOKEN };

function sign(
  bench: PluginBench,
  { url }: { readonly url: string },
  key: string,
  ...more: readonly string[]
) {
  const args = ["sign", "vault-transit", "model", ...PLUGIN, "--vault-url", url, "--key-name", key];
  return bench.run([...args, ...more], { env: ENV });
}

async function verifiesWith(bench: PluginBench, { url }: VaultServer, key: string): Promise<void> {
  const args = ["vault-transit", key, ...PLUGIN, "--vault-url", url];
  const printed = await bench.run(args, { env: ENV });
  assertStatus(printed, 0, "public key");
  await bench.write({ "vault.pub": printed.stdout });
  const verify = ["verify", "key", "model", "--public-key", "vault.pub"];
  assertStatus(await bench.run([...verify, "--signature", "model.sig"]), 0, "verify");
}

for (const type of ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-2048", "ed25519"]) {
  test(`vault-transit signs with ${type}, and sends no more than it has to`, async () => {
    await using bench = await pluginBench();
    await using server = await vaultServer();
    assertStatus(await sign(bench, server, type), 0, "sign");
    await verifiesWith(bench, server, type);
    const [length = 0] = server.inputs;
    assert.ok(type === "ed25519" ? length > 64 : length <= 64, `${length}`);
  });
}

test("vault-transit signs with an older version of a key", async () => {
  await using bench = await pluginBench();
  await using server = await vaultServer();
  assertStatus(await sign(bench, server, "ecdsa-p256", "--key-version", "1"), 0, "sign");
  const args = ["vault-transit", "ecdsa-p256", ...PLUGIN, "--vault-url", server.url];
  const latest = await bench.run(args, { env: ENV });
  await bench.write({ "vault.pub": latest.stdout });
  const verify = ["verify", "key", "model", "--public-key", "vault.pub"];
  assertStatus(await bench.run([...verify, "--signature", "model.sig"]), 1, "other version");
  const none = await sign(bench, server, "ecdsa-p256", "--key-version", "3");
  assertFault(none, 3, "PLUGIN_VAULT_KEY");
});

test("vault-transit passes plugin check", async () => {
  await using bench = await pluginBench();
  await using server = await vaultServer();
  const set = ["--set", `vault-url=${server.url}`, "--set", "key-name=ecdsa-p256"];
  const check = ["plugin", "check", MODULE, ...set, "--format", "json"];
  const outcome = await bench.run(check, { env: ENV });
  const { results } = JSON.parse(outcome.stdout);
  const others = results.filter((result: { outcome: string }) => result.outcome !== "passed");
  // Its command is for people.
  assert.deepEqual(others.map(({ about }: { about: string }) => about), ["command vault-transit"]);
  assertStatus(outcome, 0, "check");
});

test("vault-transit tells what the service refuses or answers wrongly, and nothing is written", async () => {
  await using bench = await pluginBench();
  await using server = await vaultServer();
  const faults: readonly (readonly [VaultFault, string])[] = [
    ["redirect", "NETWORK_UNREACHABLE"],
    ["garbage", "NETWORK_RESPONSE"],
    ["endless", "NETWORK_RESPONSE"],
    ["error-page", "NETWORK_STATUS"],
    ["other-version", "NETWORK_RESPONSE"],
    ["silent", "NETWORK_TIMEOUT"],
  ];
  for (const [fault, code] of faults) {
    server.fault = fault;
    assertFault(await sign(bench, server, "ecdsa-p256", "-t", "1"), 3, code);
  }
  server.fault = undefined;
  assertFault(await sign(bench, server, "no-such-key"), 3, "NETWORK_STATUS");
  assertFault(await sign(bench, { url: "http://127.0.0.1:1" }, "x"), 3, "NETWORK_UNREACHABLE");
  const wrong = ["sign", "vault-transit", "model", ...PLUGIN, "--vault-url", server.url];
  const denied = await bench.run([...wrong, "--key-name", "ecdsa-p256"], {
    env: { VAULT_TOKEN: "hvs.wrong" },
  });
  assertFault(denied, 3, "PLUGIN_VAULT_DENIED");
  assert.ok(!`${denied.stdout}${denied.stderr}`.includes("hvs.wrong"));
  assert.ok(!denied.stderr.includes("\x1b"));
  assert.ok(!existsSync(join(bench.path, "model.sig")));
});

test("vault-transit refuses what it must not do with a token", async () => {
  await using bench = await pluginBench();
  const base = ["sign", "vault-transit", "model", ...PLUGIN, "--key-name", "k"];
  for (const url of ["http://vault.example.com", "https://me:pass@127.0.0.1", "not an address"]) {
    assertFault(await bench.run([...base, "--vault-url", url], { env: ENV }), 2, "USAGE");
  }
  assertFault(await bench.run(base, { env: ENV }), 2, "USAGE");
  const without = await bench.run([...base, "--vault-url", "https://127.0.0.1:1"], {
    env: { VAULT_TOKEN: "" },
  });
  assertFault(without, 2, "USAGE");
  for (const name of ["../../sys/seal", ".."]) {
    // As one word: a word of its own may be the model, as long as the plugin's options are not known.
    const named = ["--vault-url", "https://127.0.0.1:1", `--key-name=${name}`];
    const evil = await bench.run([...base.slice(0, -2), ...named], { env: ENV });
    assertFault(evil, 2, "USAGE");
  }
});
