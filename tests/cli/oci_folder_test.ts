import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encode } from "../support/bundles.ts";
import {
  FOLDER,
  goBundle,
  LAYERS,
  ociDesk,
  otherKey,
  signing,
  verifying,
  writeFolder,
} from "../support/oci_cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { manifestOf, type TestLayer } from "../support/oci_manifests.ts";
import { CONFIG, pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus, assertVerdict } from "../support/outcome.ts";
import { startTestRegistry } from "../support/registry.ts";
import { codesOf, reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

/** A model as KitOps packs it: a plain file, and an archive. */
const PACKED: readonly TestLayer[] = [
  { content: "weights", title: "weights.bin" },
  {
    content: "an archive",
    filepath: "tokenizer",
    mediaType: "application/vnd.cncf.model.weight.v1.tar+gzip",
  },
];

/** Signs a manifest of the layers into `model.sig`. */
async function signManifest(at: Desk, layers: readonly TestLayer[] = LAYERS): Promise<void> {
  await at.write({ "manifest.json": encode(manifestOf(layers, CONFIG)) });
  assertStatus(await at.run(signing("manifest.json")), 0, "sign");
}

const FOLDER_ARGS = verifying("pulled", "--signature", "model.sig");

test("a signature of a manifest verifies the downloaded folder, in which the config blob is no file", async () => {
  await using at = await ociDesk();
  await signManifest(at);
  await writeFolder(at, "pulled");
  const outcome = await at.run(FOLDER_ARGS);
  assertStatus(outcome, 0, "folder");
  const { coverage, checks } = reportOf(outcome);
  assert.deepEqual([coverage.files, coverage.absent], [2, ["config.json"]]);
  // A folder has no manifest whose digest could be compared.
  assert.equal(checks.some(({ id }: { id: string }) => id === "annotations"), false);
  const text = await at.run(FOLDER_ARGS.slice(0, -4).concat("--signature", "model.sig"));
  assertStatus(text, 0, "text");
  assert.match(text.stdout, /^Not here +config\.json$/m);
});

test("options for registries are wrong usage with models that are none, and variables for them are not", async () => {
  await using at = await ociDesk();
  await writeFolder(at, "folder");
  await at.write({ "manifest.json": encode(manifestOf(LAYERS, CONFIG)) });
  writeLayout(join(at.path, "layout"), { layers: LAYERS, config: CONFIG });
  for (
    const args of [
      ["digest", "folder", "--deep"],
      ["digest", "manifest.json", "--platform", "linux/arm64"],
      ["digest", "oci-layout:layout", "--registry-username", "ada"],
      signing("folder", "--no-deep"),
    ]
  ) assertFault(await at.run(args), 2, "USAGE");
  const variables = {
    MODEL_SIGNING_PLATFORM: "linux/arm64",
    MODEL_SIGNING_REGISTRY_USERNAME: "ada",
  };
  assertStatus(await at.run(["digest", "folder"], { env: variables }), 0, "variables");
});

test("a signature of a manifest rejects a folder in which anything differs", async () => {
  await using at = await ociDesk();
  await signManifest(at);
  await writeFolder(at, "pulled", { ...FOLDER, "weights.bin": "other" });
  assertRejected(await at.run(FOLDER_ARGS), ["FILE_MODIFIED"]);
  await writeFolder(at, "pulled", { ...FOLDER, "backdoor.py": "" });
  assertRejected(await at.run(FOLDER_ARGS), ["FILE_UNSIGNED"]);
  await rm(join(at.path, "pulled/backdoor.py"));
  await rm(join(at.path, "pulled/tokenizer/vocab.txt"));
  assertRejected(await at.run(FOLDER_ARGS), ["FILE_MISSING"]);
  // A config.json that is there is not the config blob: it must be the one that was signed.
  await writeFolder(at, "pulled", { ...FOLDER, "config.json": "{}" });
  assertRejected(await at.run(FOLDER_ARGS), ["FILE_MODIFIED"]);
});

test("a config blob that was signed in shards is forgiven as a whole, and not when a part of it is there", async () => {
  await using at = await ociDesk();
  const config = '{"is":"thirty-nine bytes, 3 shards!!"}';
  writeLayout(join(at.path, "layout"), { layers: LAYERS, config });
  const sign = signing("oci-layout:layout", "--shard-size", "13", "--signature", "model.sig");
  assertStatus(await at.run(sign), 0, "sign");
  await writeFolder(at, "pulled");
  const without = await at.run(FOLDER_ARGS);
  assertStatus(without, 0, "without");
  assert.deepEqual(reportOf(without).coverage.absent, ["config.json"]);
  for (const content of [config.slice(0, 13), config.slice(0, 26), "{}", ""]) {
    await writeFolder(at, "pulled", { ...FOLDER, "config.json": content });
    const outcome = await at.run(FOLDER_ARGS);
    assertStatus(outcome, 1, content);
    assert.ok(codesOf(reportOf(outcome)).includes("FILE_MISSING"), content);
  }
});

test("the loss of a config.json that is a file of the model is not forgiven", async () => {
  await using at = await ociDesk();
  await signManifest(at, [...LAYERS, { content: "own", title: "config.json" }]);
  await writeFolder(at, "pulled", { ...FOLDER, "config.json": "own" });
  const whole = await at.run(FOLDER_ARGS);
  assertStatus(whole, 0, "whole");
  assert.deepEqual(reportOf(whole).coverage.absent, ["oci-config.json"]);
  await rm(join(at.path, "pulled/config.json"));
  for (const source of [[], ["--source", "oci-manifest"]]) {
    assertRejected(await at.run([...FOLDER_ARGS, ...source]), ["FILE_MISSING"]);
  }
});

test("a signature of a folder forgives no loss of its config.json", async () => {
  await using at = await ociDesk();
  await writeFolder(at, "pulled", { ...FOLDER, "config.json": "own" });
  assertStatus(await at.run(signing("pulled")), 0, "sign");
  await rm(join(at.path, "pulled/config.json"));
  assertRejected(await at.run(FOLDER_ARGS), ["FILE_MISSING"]);
});

test("a signature in the Go tool's form verifies a folder only with --source oci-manifest", async () => {
  await using at = await ociDesk();
  const keys = await otherKey(at);
  await at.write({ "go.sig": goBundle(keys, LAYERS) });
  await writeFolder(at, "pulled");
  const verify = [
    ...["verify", "key", "pulled", "--public-key", "other.pub", "--signature", "go.sig"],
    ...["--format", "json"],
  ];
  assertRejected(await at.run(verify), ["FILE_MISSING"]);
  const asserted = await at.run([...verify, "--source", "oci-manifest"]);
  assertStatus(asserted, 0, "asserted");
  assert.deepEqual(reportOf(asserted).coverage.absent, ["config.json"]);
  // What was asserted is about the config blob, and nothing else.
  await rm(join(at.path, "pulled/weights.bin"));
  assertRejected(await at.run([...verify, "--source", "oci-manifest"]), ["FILE_MISSING"]);
});

test("archives are undecided in a folder, with a hint", async () => {
  await using at = await ociDesk();
  await signManifest(at, PACKED);
  await writeFolder(at, "pulled", { "weights.bin": "weights", "tokenizer/vocab.txt": "tokens" });
  const outcome = await at.run(FOLDER_ARGS);
  assertVerdict(outcome, "inconclusive", 3, ["ARCHIVE_UNDECIDED"]);
  const { issues } = reportOf(outcome);
  assert.match(issues[0].hint, /oci/);
  // Undecided is not good: what is known to be wrong comes first.
  await writeFolder(at, "pulled", { "weights.bin": "other" });
  const wrong = await at.run(FOLDER_ARGS);
  assertStatus(wrong, 1, "wrong");
  assert.ok(codesOf(reportOf(wrong)).includes("FILE_MODIFIED"));
});

test("archives are verified in a layout, a registry, and where they are kept packed", async () => {
  await using at = await ociDesk();
  await signManifest(at, PACKED);
  await using registry = await startTestRegistry();
  writeLayout(join(at.path, "layout"), { layers: PACKED, config: CONFIG });
  await pushModel(registry.host, { layers: PACKED });
  const remote = `oci://${registry.host}/${REPOSITORY}:v1`;
  const { coverage } = reportOf(
    await at.run(verifying("oci-layout:layout", "--signature", "model.sig")),
  );
  // Hashed, as the layers are at hand.
  assert.deepEqual([coverage.files, coverage.stated], [3, undefined]);
  for (const more of [[], ["--deep"]]) {
    const outcome = await at.run(verifying(remote, "--signature", "model.sig", ...more));
    assertStatus(outcome, 0, `registry ${more}`);
  }
  await writeFolder(at, "kept", { "weights.bin": "weights", "tokenizer": "an archive" });
  assertStatus(await at.run(verifying("kept", "--signature", "model.sig")), 0, "kept");
  await at.write({
    [`layout/blobs/sha256/${manifestOf(PACKED).layers[1].digest.slice(7)}`]: "an Archive",
  });
  assertRejected(
    await at.run(verifying("oci-layout:layout", "--signature", "model.sig")),
    ["ENTRY_DIGEST"],
  );
});
