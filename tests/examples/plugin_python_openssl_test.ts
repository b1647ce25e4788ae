/** The executable plugin of examples/plugins/python-openssl. */

import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ACCEPTED_TYPES, opensslKey } from "../support/openssl.ts";
import { assertFault, assertStatus, assertVerdict } from "../support/outcome.ts";
import { pluginBench } from "../support/plugin_bench.ts";
import { onTerminal } from "../support/pty.ts";

const PROGRAM = fileURLToPath(
  new URL("../../examples/plugins/python-openssl/model-signing-plugin-openssl", import.meta.url),
);
const PLUGIN = ["--plugin-exec", PROGRAM];

test("python-openssl passes plugin check", async () => {
  await using bench = await pluginBench();
  const set = ["--set", "private-key=key.pem", "--set", "public-key=key.pub"];
  const outcome = await bench.run(["plugin", "check", PROGRAM, ...set, "--format", "json"]);
  assertStatus(outcome, 0, outcome.stdout);
  const { results } = JSON.parse(outcome.stdout);
  assert.ok(results.length > 25);
  assert.ok(results.every((result: { outcome: string }) => result.outcome === "passed"));
});

for (const type of ACCEPTED_TYPES) {
  test(`python-openssl signs with ${type}, and the key method and itself verify`, async () => {
    await using bench = await pluginBench();
    const key = opensslKey(type);
    await bench.write({ "own.pem": key });
    const publicKey = createPublicKey(key).export({ type: "spki", format: "pem" });
    await bench.write({ "own.pub": publicKey });
    const sign = ["sign", "openssl", "model", ...PLUGIN, "--private-key", "own.pem"];
    assertStatus(await bench.run(sign), 0, "sign");
    const verify = ["model", "--public-key", "own.pub", "--signature", "model.sig"];
    assertStatus(await bench.run(["verify", "key", ...verify]), 0, "verify key");
    assertStatus(await bench.run(["verify", "openssl", ...verify, ...PLUGIN]), 0, "verify openssl");
  });
}

test("python-openssl is found on PATH", async () => {
  await using bench = await pluginBench();
  const env = { PATH: `${dirname(PROGRAM)}:${process.env["PATH"]}` };
  const outcome = await bench.run(["sign", "openssl", "model", "--private-key", "key.pem"], {
    env,
  });
  assertStatus(outcome, 0, "sign");
});

test("python-openssl rejects a tampered model, another key and another's hint", async () => {
  await using bench = await pluginBench();
  await bench.run(["sign", "openssl", "model", ...PLUGIN, "--private-key", "key.pem"]);
  const verify = ["verify", "openssl", "model", ...PLUGIN, "--signature", "model.sig"];
  const json = ["--format", "json", "--public-key"];
  await bench.write({ "model/config.json": "{}" });
  assertVerdict(await bench.run([...verify, ...json, "key.pub"]), "rejected", 1, ["FILE_MODIFIED"]);
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  await bench.write({ "other.pub": publicKey.export({ type: "spki", format: "pem" }) });
  const other = await bench.run([...verify, ...json, "other.pub"]);
  assertVerdict(other, "rejected", 1, ["KEY_HINT_MISMATCH"]);
});

test("python-openssl asks for the password of an encrypted key", async () => {
  await using bench = await pluginBench();
  const args = ["sign", "openssl", "model", ...PLUGIN, "--private-key", "locked.pem"];
  const right = await onTerminal(args, {
    cwd: bench.path,
    env: bench.env,
    steps: [{ after: "Password of the private key: ", send: "hunter2\r" }],
  });
  assert.equal(right.status, 0, right.terminal);
  assert.ok(!right.terminal.includes("hunter2"));
  const wrong = await onTerminal(args, {
    cwd: bench.path,
    env: bench.env,
    steps: [{ after: "Password of the private key: ", send: "wrong\r" }],
  });
  assert.equal(wrong.status, 3);
  assert.match(wrong.terminal, /\[PLUGIN_OPENSSL_KEY\]/);
});

test("python-openssl says what is wrong with a key, and nothing is written", async () => {
  await using bench = await pluginBench();
  const sign = ["sign", "openssl", "model", ...PLUGIN, "--private-key"];
  assertFault(await bench.run([...sign, "key.pub"]), 3, "PLUGIN_OPENSSL_KEY");
  assertFault(await bench.run([...sign, "none.pem"]), 3, "PLUGIN_OPENSSL_FAILED");
  assert.ok(!existsSync(join(bench.path, "model.sig")));
});
