/** Trust from a TUF repository: fetched, carried to a host without a network, and used there. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { copyFile, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { type FaultSpec, type Sigstore, startSigstore } from "../support/sigstore.ts";
import { type Desk, desk, signedModel, verifying } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";
import type { TufAction } from "../sigstore/tuf.ts";

/** Arguments that fetch the instance's trust. */
function updating({ tuf, tufRoot }: Sigstore): readonly string[] {
  return ["trust", "update", "--tuf-url", tuf, "--tuf-root", tufRoot];
}

/** Arguments of `verify`, with other trust. */
function trusting(sigstore: Sigstore, path: string): readonly string[] {
  return verifying(sigstore).map((arg) => arg === sigstore.trustConfig ? path : arg);
}

/** What a host that never saw the instance has: nothing, not even a home. */
async function anotherHost(from: Desk, files: readonly string[]): Promise<Desk> {
  const host = await desk();
  for (const file of files) await copyFile(join(from.path, file), join(host.path, file));
  return { ...host, env: { ...host.env, HOME: "", XDG_CACHE_HOME: "" } };
}

test("trust that was fetched and exported verifies and signs on another host", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  const show = ["trust", "show", "--tuf-root", sigstore.tufRoot];
  const unknown = await at.run(show);
  assertFault(unknown, 3, "TRUST_UNAVAILABLE");
  assert.match(unknown.stderr, /hint: run `model-signing trust update --tuf-url URL --tuf-root \//);
  assertStatus(await at.run(updating(sigstore)), 0, "trust update");
  const shown = await at.run([...show, "--format", "json"]);
  assertStatus(shown, 0, "trust show");
  const view = JSON.parse(shown.stdout);
  assert.equal(view.origin.kind, "cache");
  assert.equal(view.origin.version, 3);
  assert.deepEqual(
    view.transparencyLogs.map(({ url }: { url: string }) => url),
    [sigstore.url, sigstore.rekor2],
  );
  const text = await at.run(show);
  for (const part of [sigstore.url, sigstore.rekor2, sigstore.tsa]) {
    assert.ok(text.stdout.includes(part), part);
  }
  const exporting = ["trust", "export", "instance.json", "--tuf-root", sigstore.tufRoot];
  assertStatus(await at.run(exporting), 0, "trust export");

  await using host = await anotherHost(at, ["instance.json", "model.sig"]);
  const options = { env: host.env };
  const args = trusting(sigstore, "instance.json");
  assertStatus(await host.run(args, options), 0, "verify on the other host");
  assertRejected(
    await host.run(args.map((arg) => arg.includes("@") ? "other@example.com" : arg), options),
    ["IDENTITY_MISMATCH"],
  );
  const token = await sigstore.token();
  const sign = ["sign", "model", "--trust-config", "instance.json", "--identity-token", token];
  assertStatus(await host.run(sign, options), 0, "sign on the other host");
  assertStatus(await host.run(args, options), 0, "verify what was signed there");
});

test("trust update says what changed, and what is exported then is the new trust", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  await signedModel(at, sigstore);
  assertStatus(await at.run(updating(sigstore)), 0, "first");
  const again = await at.run(updating(sigstore));
  assertStatus(again, 0, "again");
  assert.match(again.stdout, /version 3\b/);
  const root = JSON.parse(await readFile(sigstore.trustedRoot, "utf8"));
  await sigstore.tufAct("rotate-root");
  await sigstore.tufAct("bump", {
    "trusted_root.json": JSON.stringify({ ...root, tlogs: root.tlogs.slice(1) }),
  });
  const updated = await at.run(updating(sigstore));
  assertStatus(updated, 0, "after a change");
  assert.match(updated.stdout, /version 3 -> 4\b/);
  const exporting = ["trust", "export", "-", "--tuf-root", sigstore.tufRoot];
  await at.write({ "instance.json": (await at.run(exporting)).stdout });
  // The log that the entry is in is not trusted any more.
  assertRejected(await at.run(trusting(sigstore, "instance.json")), ["TLOG_UNKNOWN"]);
});

test("trust update that is attacked ends with 3 and leaves the cache as it was", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  assertStatus(await at.run(updating(sigstore)), 0, "trust update");
  const before = snapshot(at.cache);
  const attacks: readonly TufAction[] = [
    ...["hijack-root", "expire-root", "expire-timestamp", "rollback"] as const,
    ...["wrong-signature"] as const,
  ];
  for (const attack of attacks) {
    await sigstore.tufAct(attack);
    const outcome = await at.run(updating(sigstore));
    assertStatus(outcome, 3, attack);
    assertFault(outcome, 3, "TRUST_REFUSED");
    assert.deepEqual(snapshot(at.cache), before, attack);
    await sigstore.reset();
  }
});

test("trust update from a repository that fails ends with 3 and leaves the cache as it was", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  assertStatus(await at.run(updating(sigstore)), 0, "trust update");
  const before = snapshot(at.cache);
  const faults: readonly (readonly [Omit<FaultSpec, "service">, string])[] = [
    [{ kind: "status", status: 400 }, "NETWORK_STATUS"],
    [{ kind: "status", status: 500 }, "NETWORK_STATUS"],
    // Object stores answer so for what is not there: here, the timestamp.
    [{ kind: "status", status: 403 }, "NETWORK_STATUS"],
    [{ kind: "garbage" }, "TRUST_REFUSED"],
    [{ kind: "huge" }, "NETWORK_RESPONSE"],
    [{ kind: "slow" }, "NETWORK_TIMEOUT"],
    [{ kind: "hang" }, "NETWORK_TIMEOUT"],
    [{ kind: "close" }, "NETWORK_UNREACHABLE"],
  ];
  for (const [fault, code] of faults) {
    await sigstore.reset();
    await sigstore.fault({ service: "tuf", ...fault });
    const limit = code === "NETWORK_TIMEOUT" ? ["--timeout", "1s"] : [];
    const outcome = await at.run([...updating(sigstore), ...limit]);
    assertStatus(outcome, 3, JSON.stringify(fault));
    assertFault(outcome, 3, code);
    assert.equal(outcome.stdout, "");
    assert.deepEqual(snapshot(at.cache), before, JSON.stringify(fault));
  }
});

test("Ctrl-C during trust update ends with 3 and leaves the cache as it was", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  assertStatus(await at.run(updating(sigstore)), 0, "trust update");
  const before = snapshot(at.cache);
  await sigstore.reset();
  await sigstore.fault({ service: "tuf", kind: "hang" });
  const interrupted = async (pid: number) => {
    while ((await sigstore.requests()).length === 0) await sleep(20);
    process.kill(pid, "SIGINT");
  };
  const outcome = await at.run(updating(sigstore), { started: (pid) => void interrupted(pid) });
  assertFault(outcome, 3, "ABORTED");
  assert.deepEqual(snapshot(at.cache), before);
});

test("trust commands refuse what contradicts itself, and what they cannot read or write", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const { tuf, tufRoot, trustConfig, trustedRoot } = sigstore;
  await at.write({ "garbage.json": "garbage", "file": "" });
  const nowhere = { HOME: "", XDG_CACHE_HOME: "" };
  const blocked = { XDG_CACHE_HOME: join(at.path, "file") };
  for (
    const [args, status, code, env] of [
      [["trust", "update", "--tuf-root", tufRoot], 2, "USAGE", {}],
      [["trust", "update", "--tuf-root", tufRoot, "--tuf-url", "tuf"], 2, "USAGE", {}],
      [["trust", "update", "--use-staging", "--tuf-root", tufRoot], 2, "USAGE", {}],
      [["trust", "show", "--use-staging", "--trust-root", trustedRoot], 2, "USAGE", {}],
      [["trust", "show", "--trust-config", trustConfig, "--tuf-root", tufRoot], 2, "USAGE", {}],
      [["trust", "show", "--trust-root", "missing.json"], 3, "FILE_UNREADABLE", {}],
      [["trust", "show", "--trust-root", "garbage.json"], 3, "TRUST_MALFORMED", {}],
      [["trust", "show", "--tuf-root", "missing.json"], 3, "FILE_UNREADABLE", {}],
      [["trust", "export", "missing/out.json"], 3, "FILE_UNWRITABLE", {}],
      [["trust", "export", "model"], 3, "FILE_UNWRITABLE", {}],
      [["trust", "export"], 2, "USAGE", {}],
      [
        ["trust", "update", "--tuf-url", tuf, "--tuf-root", "garbage.json"],
        3,
        "TRUST_MALFORMED",
        {},
      ],
      [["trust", "update", "--tuf-url", tuf, "--tuf-root", trustConfig], 3, "TRUST_MALFORMED", {}],
      [updating(sigstore), 3, "FILE_UNWRITABLE", nowhere],
      [updating(sigstore), 3, "FILE_UNWRITABLE", blocked],
    ] as const
  ) {
    const outcome = await at.run(args, { env });
    assertStatus(outcome, status, args.join(" "));
    assertFault(outcome, status, code);
    assert.equal(outcome.stdout, "");
  }
  assert.ok(!existsSync(join(at.cache, "model-signing")));
  assert.deepEqual((await readdir(at.path)).filter((name) => name.endsWith("out.json")), []);
});

test("where trust comes from counts on the command line only", async () => {
  await using sigstore = await startSigstore();
  await using at = await desk();
  const env = { MODEL_SIGNING_TRUST_CONFIG: sigstore.trustConfig, MODEL_SIGNING_USE_STAGING: "1" };
  const shown = await at.run(["trust", "show"], { env });
  assertStatus(shown, 0, "trust show");
  assert.match(shown.stdout, /production instance/);
  for (const name of Object.keys(env)) assert.ok(shown.stderr.includes(name), shown.stderr);
  const json = JSON.stringify({ trust_config: sigstore.trustConfig });
  assertFault(await at.run(["trust", "show", "--json", json]), 2, "USAGE");
});
