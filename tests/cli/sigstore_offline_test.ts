/** Verifying asks nobody: proven where there is no network, and by the calls that the program makes. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { compiledBinary } from "../support/binary.ts";
import { programCommand } from "../support/cli.ts";
import { traced, withoutNetwork } from "../support/confinement.ts";
import { assertStatus } from "../support/outcome.ts";
import { sharedData } from "../support/shared.ts";
import { startSigstore } from "../support/sigstore.ts";
import { type Desk, desk, signedModel, signing, verifying } from "../support/sigstore_cli.ts";

/** Names of historical bundles of Sigstore's production instance. */
const HISTORICAL = ["v0.3.1-sigstore", "v1.0.0-sigstore", "v1.1.0-sigstore"];

/** A way to verify, the status it ends with, and something that the program says then. */
type Case = {
  readonly args: readonly string[];
  readonly status: number;
  readonly says?: RegExp;
};

/** Verifications with every origin of trust that there is, set up while there still is a network. */
async function cases(at: Desk): Promise<Readonly<Record<string, Case>>> {
  await using sigstore = await startSigstore();
  await signedModel(at, sigstore);
  const args = verifying(sigstore);
  // The instance and its files end with this function.
  await cp(sigstore.folder, join(at.path, "instance"), { recursive: true });
  const update = ["trust", "update", "--tuf-url", sigstore.tuf, "--tuf-root", sigstore.tufRoot];
  assertStatus(await at.run(update), 0, "trust update");
  // It claims to be newer than what is built in, and is not Sigstore's.
  await at.write({
    "spoiled/model-signing/sigstore/production.json": JSON.stringify({
      format: "model-signing TUF cache 1",
      url: "https://tuf.example.com",
      fetched: "2026-01-01T00:00:00Z",
      version: 1_000_000,
      files: { "timestamp.json": "{}" },
    }),
  });
  const trusting = (...trust: readonly string[]) => {
    const index = args.indexOf("--trust-config");
    return [...args.slice(0, index), ...trust, ...args.slice(index + 2)];
  };
  return {
    "trust config": { args: trusting("--trust-config", "instance/trust_config.json"), status: 0 },
    "trusted root": { args: trusting("--trust-root", "instance/trusted_root.json"), status: 0 },
    "built-in staging": { args: trusting("--use-staging"), status: 1, says: /staging instance/ },
    "built-in production": { args: trusting(), status: 1, says: /production instance, built in/ },
    "trust show": { args: ["trust", "show"], status: 0 },
    "trust show of the cache": {
      args: ["trust", "show", "--tuf-root", "instance/tuf_root.json"],
      status: 0,
      says: /fetched/,
    },
    "trust export of the cache": {
      args: ["trust", "export", "exported.json", "--tuf-root", "instance/tuf_root.json"],
      status: 0,
    },
    "trust exported from the cache": {
      args: trusting("--trust-config", "exported.json"),
      status: 0,
    },
    ...historicalCases(),
  };
}

/** Real signatures, with the trust that is built in. */
function historicalCases(): Readonly<Record<string, Case>> {
  return Object.fromEntries(
    HISTORICAL.flatMap((name) => {
      const folder = sharedData("oms", "historical", name);
      if (folder === undefined) return [];
      const { verify } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      const { identity, identity_provider: provider } = verify;
      const args = [
        ...["verify", join(folder, "model"), "--signature", join(folder, "bundle.sig")],
        ...["--identity", identity, "--identity-provider", provider],
      ];
      return [[name, { args, status: 0, says: /production instance, built in/ }]];
    }),
  );
}

const confined = withoutNetwork();
if (confined) {
  test("verify, trust show and trust export work where there is no network", async () => {
    await using at = await desk();
    const place = { cwd: at.path, env: at.env };
    for (const [name, { args, status, says }] of Object.entries(await cases(at))) {
      const outcome = confined([...programCommand(), ...args], place);
      assertStatus(outcome, status, name);
      if (says) assert.match(outcome.stdout, says, name);
    }
    const [historical] = Object.values(historicalCases());
    if (historical) {
      const env = { ...at.env, XDG_CACHE_HOME: join(at.path, "spoiled") };
      const outcome = confined([...programCommand(), ...historical.args], { cwd: at.path, env });
      assertStatus(outcome, 0, "a spoiled cache");
      assert.match(outcome.stdout, /the TUF cache .* is not used/);
    }
  });

  test("sign and trust update say what they cannot reach where there is no network", async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const token = await sigstore.token();
    const place = { cwd: at.path, env: at.env };
    for (
      const args of [
        [...signing(sigstore), "--identity-token", token],
        ["trust", "update", "--tuf-url", sigstore.tuf, "--tuf-root", sigstore.tufRoot],
        ["trust", "update"],
      ]
    ) {
      const outcome = confined([...programCommand(), ...args], place);
      assertStatus(outcome, 3, args.join(" "));
      assert.match(outcome.stderr, /\[NETWORK_UNREACHABLE\]/);
    }
  });
}

const watched = traced("network");
if (watched) {
  /** Calls that open a socket other than between the program's own threads and children. */
  const outward = (calls: readonly string[]) =>
    calls.filter((call) => /\b(?:socket|connect|sendto|sendmsg|bind)\(/.test(call));

  test("the binary opens no socket when it verifies, shows or exports trust", async () => {
    await using at = await desk();
    const place = { cwd: at.path, env: at.env };
    for (const [name, { args, status }] of Object.entries(await cases(at))) {
      const outcome = watched([compiledBinary(), ...args], place);
      assertStatus(outcome, status, name);
      assert.deepEqual(outward(outcome.calls), [], name);
    }
  });

  test("the tracer sees the sockets of sign", async () => {
    await using sigstore = await startSigstore();
    await using at = await desk();
    const args = [...signing(sigstore), "--identity-token", await sigstore.token()];
    const outcome = watched([compiledBinary(), ...args], { cwd: at.path, env: at.env });
    assertStatus(outcome, 0, "sign");
    assert.match(outward(outcome.calls).join("\n"), /AF_INET/);
  });
}
