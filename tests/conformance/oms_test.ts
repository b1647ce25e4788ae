/** The conformance suite's client, called the way the suite calls it: absolute paths, exit status only. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { compiledBinary } from "../support/binary.ts";
import { programEnvironment } from "../support/cli.ts";
import { assertStatus, type Outcome } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import { sharedData } from "../support/shared.ts";
import { startSigstore } from "../support/sigstore.ts";
import { IDENTITY } from "../support/sigstore_cli.ts";
import { workbench } from "../support/workbench.ts";

const ADAPTER = fileURLToPath(new URL("./oms", import.meta.url));

/** Runs the adapter from a folder that has nothing to do with the model. */
function oms(...args: readonly string[]): Outcome {
  return omsWith({}, ...args);
}

/** The same with variables in the environment. */
function omsWith(
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Outcome {
  return spawnSync(ADAPTER, args, {
    cwd: "/",
    env: programEnvironment({ MODEL_SIGNING_BINARY: compiledBinary(), ...env }),
    encoding: "utf8",
  });
}

function statement(bundle: string) {
  const { dsseEnvelope } = JSON.parse(readFileSync(bundle, "utf8"));
  return JSON.parse(atob(dsseEnvelope.payload));
}

/** Flags that sign and verify with a key in a workbench. */
function withKey(folder: string) {
  const bundle = join(folder, "out.sig");
  const model = ["--method", "key", "--model-path", join(folder, "model")];
  return {
    bundle,
    sign: [
      "sign-model",
      ...model,
      "--output-bundle",
      bundle,
      "--private-key",
      join(folder, "key.pem"),
    ],
    verify: ["verify-model", ...model, "--bundle", bundle, "--public-key", join(folder, "key.pub")],
  };
}

test("sign-model and verify-model agree with a key, and tampering ends with a failure", async () => {
  await using bench = await workbench();
  const { sign, verify } = withKey(bench.path);
  assertStatus(oms(...sign), 0, "sign-model");
  assertStatus(oms(...verify), 0, "verify-model");
  await appendFile(join(bench.path, "model/config.json"), " ");
  assertStatus(oms(...verify), 1, "verify-model");
});

test("verify-model fails for another key", async () => {
  await using bench = await workbench();
  await using other = await workbench();
  const { sign, verify } = withKey(bench.path);
  assertStatus(oms(...sign), 0, "sign-model");
  const wrong = [...verify.slice(0, -1), join(other.path, "key.pub")];
  assertStatus(oms(...wrong), 1, "verify-model");
});

test("sign-model and verify-model agree with a certificate and its chain", async () => {
  await using bench = await workbench();
  using pki = new Pki();
  const [root, stranger] = [pki.root(), pki.root()];
  const upper = pki.intermediate(root);
  const lower = pki.intermediate(upper);
  const leaf = pki.leaf(lower, { key: "P-384" });
  const bundle = join(bench.path, "out.sig");
  const model = ["--method", "certificate", "--model-path", join(bench.path, "model")];
  const sign = [
    ...["sign-model", ...model, "--output-bundle", bundle, "--private-key", leaf.key],
    ...["--signing-cert", leaf.certificate],
    ...["--cert-chain", lower.certificate, "--cert-chain", upper.certificate],
  ];
  const verify = ["verify-model", ...model, "--bundle", bundle];
  assertStatus(oms(...sign), 0, "sign-model");
  assertStatus(oms(...verify, "--cert-chain", root.certificate), 0, "verify-model");
  assertStatus(oms(...verify, "--cert-chain", stranger.certificate), 1, "another CA");
  assertStatus(oms(...verify), 2, "no CA");
  await appendFile(join(bench.path, "model/config.json"), " ");
  assertStatus(oms(...verify, "--cert-chain", root.certificate), 1, "tampering");
});

test("verify-model takes the intermediate from --cert-chain when the bundle has none", async () => {
  await using bench = await workbench();
  using pki = new Pki();
  const root = pki.root();
  const intermediate = pki.intermediate(root);
  const leaf = pki.leaf(intermediate);
  const bundle = join(bench.path, "out.sig");
  const model = ["--method", "certificate", "--model-path", join(bench.path, "model")];
  const signed = oms(
    ...["sign-model", ...model, "--output-bundle", bundle, "--private-key", leaf.key],
    ...["--signing-cert", leaf.certificate],
  );
  assertStatus(signed, 0, "sign-model");
  const verify = ["verify-model", ...model, "--bundle", bundle, "--cert-chain", root.certificate];
  assertStatus(oms(...verify), 1, "verify-model");
  assertStatus(oms(...verify, "--cert-chain", intermediate.certificate), 0, "verify-model");
});

for (const rekor of [1, 2] as const) {
  test(`sign-model and verify-model agree with Sigstore and Rekor v${rekor}, and tampering ends with a failure`, async () => {
    await using sigstore = await startSigstore();
    await using bench = await workbench();
    const { trustConfig, trustConfigV2, issuer } = sigstore;
    const env = { OMS_TRUST_CONFIG: rekor === 1 ? trustConfig : trustConfigV2 };
    const bundle = join(bench.path, "out.sig");
    const model = ["--method", "sigstore", "--model-path", join(bench.path, "model")];
    const sign = (token: string) =>
      omsWith(env, "sign-model", ...model, "--output-bundle", bundle, "--identity-token", token);
    const verify = (identity: string, ...more: readonly string[]) =>
      omsWith(
        env,
        ...["verify-model", ...model, "--bundle", bundle, "--identity", identity, ...more],
      );
    assertStatus(sign(await sigstore.token({ exp: 1 })), 3, "an expired token");
    assert.ok(!existsSync(bundle));
    assertStatus(sign(await sigstore.token()), 0, "sign-model");
    const provider = ["--identity-provider", issuer];
    assertStatus(verify(IDENTITY, ...provider), 0, "verify-model");
    assertStatus(verify("other@example.com", ...provider), 1, "another identity");
    assertStatus(verify(IDENTITY, "--identity-provider", `${issuer}/`), 1, "another issuer");
    assertStatus(verify(IDENTITY), 2, "no issuer");
    assertStatus(verify(IDENTITY, ...provider, "--use-staging"), 2, "two instances");
    await appendFile(join(bench.path, "model/config.json"), " ");
    assertStatus(verify(IDENTITY, ...provider), 1, "tampering");
  });
}

test("--ignore-paths takes several absolute paths in both directions", async () => {
  await using bench = await workbench();
  const { bundle, sign, verify } = withKey(bench.path);
  const ignored = ["model/config.json", "model/weights/part-1.bin"]
    .flatMap((path) => ["--ignore-paths", join(bench.path, path)]);
  assertStatus(oms(...sign, ...ignored), 0, "sign-model");
  const { resources, serialization } = statement(bundle).predicate;
  assert.deepEqual(resources.map(({ name }: { name: string }) => name), ["weights/part-2.bin"]);
  assert.ok(serialization.ignore_paths.includes("weights/part-1.bin"));
  assertStatus(oms(...verify), 0, "verify-model");
  assertStatus(oms(...verify, ...ignored), 0, "verify-model");

  await bench.write({ "model/notes.txt": "unsigned" });
  assertStatus(oms(...verify), 1, "verify-model");
  const notes = ["--ignore-paths", join(bench.path, "model/notes.txt")];
  assertStatus(oms(...verify, ...notes), 0, "verify-model");
});

test("--ignore-unsigned-files forgives added files, and missing ones not", async () => {
  await using bench = await workbench();
  const { sign, verify } = withKey(bench.path);
  assertStatus(oms(...sign), 0, "sign-model");
  await bench.write({ "model/notes.txt": "unsigned" });
  assertStatus(oms(...verify), 1, "verify-model");
  assertStatus(oms(...verify, "--ignore-unsigned-files"), 0, "verify-model");
  await rm(join(bench.path, "model/config.json"));
  assertStatus(oms(...verify, "--ignore-unsigned-files"), 1, "verify-model");
});

for (const algorithm of ["sha256", "blake2b", "blake3"]) {
  test(`--hash-algorithm ${algorithm}, --shard-size and --max-workers are passed on`, async () => {
    await using bench = await workbench();
    const { bundle, sign, verify } = withKey(bench.path);
    const flags = ["--hash-algorithm", algorithm, "--shard-size", "10", "--max-workers", "2"];
    assertStatus(oms(...sign, ...flags), 0, "sign-model");
    const { method, hash_type, shard_size } = statement(bundle).predicate.serialization;
    assert.deepEqual([method, hash_type, shard_size], ["shards", algorithm, 10]);
    assertStatus(oms(...verify), 0, "verify-model");
  });
}

test("a model and a bundle whose names look like flags are taken as paths", async () => {
  await using bench = await workbench();
  await bench.write({ "--help/weights.bin": "weights" });
  const { sign, verify } = withKey(bench.path);
  const at = (args: readonly string[]) =>
    args.map((arg) => arg === join(bench.path, "model") ? join(bench.path, "--help") : arg);
  assertStatus(oms(...at(sign)), 0, "sign-model");
  assertStatus(oms(...at(verify)), 0, "verify-model");
});

test("missing and unknown flags are usage errors", async () => {
  await using bench = await workbench();
  const { bundle, sign, verify } = withKey(bench.path);
  for (
    const [what, args] of Object.entries({
      "no command": [],
      "unknown command": ["sign"],
      "no method": ["sign-model", "--model-path", bench.path, "--output-bundle", bundle],
      "no model": ["verify-model", "--method", "key", "--bundle", bundle],
      "unknown method": ["sign-model", "--method", "magic", "--model-path", bench.path],
      "no private key": sign.slice(0, -2),
      "no public key": verify.slice(0, -2),
      "no bundle": verify.filter((arg) => arg !== "--bundle" && arg !== bundle),
      "no value": [...sign.slice(0, -1)],
      "unknown flag": [...sign, "--unknown", "x"],
      "a flag of the other command": [...sign, "--public-key", join(bench.path, "key.pub")],
    })
  ) {
    assertStatus(oms(...args), 2, what);
  }
  assert.ok(!existsSync(bundle));
});

test("a missing model, key and bundle end with a failure", async () => {
  await using bench = await workbench();
  const { bundle, sign, verify } = withKey(bench.path);
  assertStatus(oms(...verify), 3, "missing bundle");
  await writeFile(bundle, "{}");
  assertStatus(oms(...verify), 1, "not a bundle");
  await rm(join(bench.path, "key.pem"));
  assertStatus(oms(...sign), 3, "missing key");
  await rm(join(bench.path, "model"), { recursive: true });
  assertStatus(oms(...verify), 3, "missing model");
});

const shared = sharedData("oms");
if (shared !== undefined) {
  test("verify-model verifies the historical bundles", () => {
    const cases = {
      "v0.2.0-certificate": ["certificate", "model", "--cert-chain", "ca-cert.pem"],
      "v1.0.0-elliptic-key": ["key", "model/signme-1", "--public-key", "signing-key-pub.pem"],
      "v1.1.0-elliptic-key": ["key", "model", "--public-key", "signing-key-pub.pem"],
    } as const;
    for (const [name, [method, model, flag, trust]] of Object.entries(cases)) {
      const folder = join(shared, "historical", name);
      const outcome = oms(
        ...["verify-model", "--method", method, "--model-path", join(folder, model)],
        ...["--bundle", join(folder, "bundle.sig"), flag, join(shared, "trust", trust)],
      );
      assertStatus(outcome, 0, name);
    }
  });

  test("verify-model verifies the historical bundles of Sigstore", () => {
    for (const name of ["v0.3.1-sigstore", "v1.0.0-sigstore", "v1.1.0-sigstore"]) {
      const folder = join(shared, "historical", name);
      const { verify } = JSON.parse(readFileSync(join(folder, "config.json"), "utf8"));
      const { identity, identity_provider: provider, ignore_paths: ignored = [] } = verify;
      const paths: readonly string[] = ignored;
      const args = [
        ...["verify-model", "--method", "sigstore", "--model-path", join(folder, "model")],
        ...["--bundle", join(folder, "bundle.sig"), "--identity-provider", provider],
        ...paths.flatMap((path) => ["--ignore-paths", join(folder, "model", path)]),
      ];
      assertStatus(oms(...args, "--identity", identity), 0, name);
      assertStatus(oms(...args, "--identity", "other@example.com"), 1, name);
      assertStatus(oms(...args, "--identity", identity, "--use-staging"), 1, name);
    }
  });
}
