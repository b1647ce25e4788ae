import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../../core/bundle.ts";
import type { IssueCode, Parsed } from "../../../core/errors.ts";
import { parseStatement } from "../../../core/parse_statement.ts";
import type { Report } from "../../../core/report.ts";
import { signModel } from "../../../core/sign.ts";
import type { ManifestSource } from "../../../core/source.ts";
import { verifyModel } from "../../../core/verify.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../../plugins/key/mod.ts";
import { manifestFile } from "../../../plugins/oci/manifest_file.ts";
import { ociRoles } from "../../../plugins/oci/roles.ts";
import { encode, type Loose, p256, rootOf, sha256, signedBundle } from "../../support/bundles.ts";
import { manifestOf, type TestLayer } from "../../support/oci_manifests.ts";
import { schemaJudges } from "../../interop/schemas.ts";
import { sharedData } from "../../support/shared.ts";
import { type Workbench, workbench } from "../../support/workbench.ts";

const KEYS = p256();
const hasher = hasherFactory();

const LAYERS: readonly TestLayer[] = [
  { content: "weights", title: "weights.bin" },
  { content: "tokens", title: "tokenizer/vocab.txt" },
];
const FOLDER = { "weights.bin": "weights", "tokenizer/vocab.txt": "tokens" };
const CONFIG = '{"c":1}';

/** A bundle as the Go tool makes it of a manifest: no annotations, no further members (OMS 6). */
function goBundle(layers: readonly TestLayer[]): Parsed<Bundle> {
  const contents = new Map([["config.json", CONFIG]]);
  layers.forEach(({ title, content }, index) =>
    contents.set(title ?? `layer_${String(index).padStart(3, "0")}.tar.gz`, content as string)
  );
  const resources = [...contents].sort(([a], [b]) => a < b ? -1 : 1).map(([name, content]) => ({
    name,
    digest: sha256(content),
    algorithm: "sha256",
  }));
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "manifest.json", digest: { sha256: rootOf(resources) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: {
      resources,
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false },
    },
  };
  return parseBundle(encode(signedBundle(encode(statement), KEYS)));
}

async function manifestSource(bench: Workbench, manifest: Loose): Promise<ManifestSource> {
  await bench.write({ "manifest.json": encode(manifest) });
  return (await manifestFile.open(join(bench.path, "manifest.json"), {}, {})).source;
}

async function folderSource(
  bench: Workbench,
  files: Readonly<Record<string, string>>,
): Promise<ManifestSource> {
  const below = Object.entries(files).map(([name, content]) => [`pulled/${name}`, content]);
  await bench.write(Object.fromEntries(below));
  return await fileSystemSource(join(bench.path, "pulled"));
}

async function signed(bench: Workbench, manifest: Loose): Promise<Parsed<Bundle>> {
  const source = await manifestSource(bench, manifest);
  const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS) });
  return parseBundle(bytes);
}

async function verified(
  bundle: Parsed<Bundle>,
  source: ManifestSource,
  asserted = false,
): Promise<Report> {
  return await verifyModel({
    bundle,
    source,
    hasher,
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    roles: (statement) => ociRoles(statement, asserted),
  });
}

function outcome(report: Report): readonly [Report["verdict"], ...IssueCode[]] {
  return [
    report.verdict,
    ...report.verdict === "verified" ? [] : report.issues.map(({ code }) => code),
  ];
}

function statusOf({ checks }: Report, id: string): string | undefined {
  return checks.find((check) => check.id === id)?.status;
}

test("a signature of a manifest verifies the manifest, and binds it as a whole", async () => {
  await using bench = await workbench();
  const manifest = manifestOf(LAYERS);
  const bundle = await signed(bench, manifest);
  const report = await verified(bundle, await manifestSource(bench, manifest));
  assert.deepEqual(outcome(report), ["verified"]);
  assert.equal(statusOf(report, "annotations"), "passed");
  assert.equal(report.coverage.stated, 3);
  // The same layers, and something else in the manifest.
  const annotated = { ...manifest, annotations: { license: "other" } };
  assert.deepEqual(outcome(await verified(bundle, await manifestSource(bench, annotated))), [
    "rejected",
    "ANNOTATION_MISMATCH",
  ]);
});

test("a signature of a manifest is written as the schemas want it", async () => {
  await using bench = await workbench();
  const source = await manifestSource(bench, manifestOf(LAYERS));
  const { bytes, bundle } = await signModel({ source, hasher, signer: keySigner(KEYS) });
  const folder = sharedData("oms", "schemas");
  if (folder === undefined) return;
  const judges = schemaJudges(folder);
  const json = (from: Uint8Array) => JSON.parse(new TextDecoder().decode(from));
  assert.deepEqual(judges.bundle(json(bytes)), []);
  assert.deepEqual(judges.statement(json(bundle.envelope.payload)), []);
});

test("a signature of a manifest lists what the Go tool lists, with further members", async () => {
  await using bench = await workbench();
  const ours = await signed(bench, manifestOf(LAYERS));
  const go = goBundle(LAYERS);
  const [left, right] = [ours, go].map((bundle) => {
    assert.ok(bundle.ok);
    const statement = parseStatement(bundle.value.envelope.payload);
    assert.ok(statement.ok);
    return statement.value;
  });
  const plain = left!.manifest.resources.map(({ extra: _, ...resource }) => resource);
  assert.deepEqual(plain, right!.manifest.resources);
  assert.equal(left!.rootDigest, right!.rootDigest);
  assert.deepEqual(left!.manifest.serialization, right!.manifest.serialization);
});

test("a signature of a manifest verifies the downloaded folder", async () => {
  await using bench = await workbench();
  const bundle = await signed(bench, manifestOf(LAYERS));
  const report = await verified(bundle, await folderSource(bench, FOLDER));
  assert.deepEqual(outcome(report), ["verified"]);
  assert.deepEqual(report.coverage.absent, ["config.json"]);
});

test("a signature of a manifest rejects a folder in which anything differs", async () => {
  const { "weights.bin": _, ...less } = FOLDER;
  const cases: readonly (readonly [Readonly<Record<string, string>>, IssueCode])[] = [
    [less, "FILE_MISSING"],
    [{ ...FOLDER, "weights.bin": "other" }, "FILE_MODIFIED"],
    [{ ...FOLDER, more: "x" }, "FILE_UNSIGNED"],
    // The config blob may be missing. Another file in its place may not be there.
    [{ ...FOLDER, "config.json": "{}" }, "FILE_MODIFIED"],
  ];
  for (const [files, code] of cases) {
    await using bench = await workbench();
    const bundle = await signed(bench, manifestOf(LAYERS));
    const report = await verified(bundle, await folderSource(bench, files));
    assert.deepEqual(outcome(report), ["rejected", code]);
  }
});

test("a model's own config.json is a file like any other, and the config blob is signed, too", async () => {
  await using bench = await workbench();
  const own = [...LAYERS, { content: '{"own":1}', title: "config.json" }];
  const bundle = await signed(bench, manifestOf(own));
  const whole = { ...FOLDER, "config.json": '{"own":1}' };
  const report = await verified(bundle, await folderSource(bench, whole));
  assert.deepEqual(outcome(report), ["verified"]);
  assert.deepEqual(report.coverage.absent, ["oci-config.json"]);
  await using other = await workbench();
  assert.deepEqual(outcome(await verified(bundle, await folderSource(other, FOLDER))), [
    "rejected",
    "FILE_MISSING",
  ]);
  const changed = await manifestSource(other, manifestOf(own, '{"c":2}'));
  assert.equal((await verified(bundle, changed)).verdict, "rejected");
});

test("archives are undecided in a folder, and decided where they are packed", async () => {
  const layers = [...LAYERS, { content: "packed" }];
  for (const make of [goBundle(layers), undefined]) {
    await using bench = await workbench();
    const bundle = make ?? await signed(bench, manifestOf(layers));
    const unpacked = await folderSource(bench, { ...FOLDER, "unpacked.txt": "p" });
    assert.deepEqual(outcome(await verified(bundle, unpacked, make !== undefined)), [
      "inconclusive",
      "ARCHIVE_UNDECIDED",
      "ARCHIVE_UNDECIDED",
    ]);
    const packed = await manifestSource(bench, manifestOf(layers));
    assert.deepEqual(outcome(await verified(bundle, packed)), ["verified"]);
    await using beside = await workbench();
    const kept = await folderSource(beside, { ...FOLDER, "layer_002.tar.gz": "packed" });
    assert.deepEqual(outcome(await verified(bundle, kept, make !== undefined)), ["verified"]);
  }
});

test("a signature in the Go tool's form verifies the manifest, and tells that it is not bound", async () => {
  await using bench = await workbench();
  const report = await verified(goBundle(LAYERS), await manifestSource(bench, manifestOf(LAYERS)));
  assert.deepEqual(outcome(report), ["verified"]);
  assert.equal(statusOf(report, "annotations"), "skipped");
});

test("a signature in the Go tool's form verifies a folder only when that is asserted", async () => {
  await using bench = await workbench();
  const folder = await folderSource(bench, FOLDER);
  assert.deepEqual(outcome(await verified(goBundle(LAYERS), folder)), ["rejected", "FILE_MISSING"]);
  assert.deepEqual(outcome(await verified(goBundle(LAYERS), folder, true)), ["verified"]);
});

test("a signature in the Go tool's form does not cover a config blob that a layer displaced", async () => {
  await using bench = await workbench();
  const layers = [...LAYERS, { content: '{"own":1}', title: "config.json" }];
  const report = await verified(goBundle(layers), await manifestSource(bench, manifestOf(layers)));
  assert.deepEqual(outcome(report), ["rejected", "FILE_UNSIGNED"]);
  assert.deepEqual(report.files.map(({ name }) => name), ["oci-config.json"]);
});

test("a manifest is signed with git's files, and not with other hash algorithms", async () => {
  await using bench = await workbench();
  const manifest = manifestOf([...LAYERS, { content: "x", title: ".gitattributes" }]);
  const source = await manifestSource(bench, manifest);
  const how = { source, hasher, signer: keySigner(KEYS) };
  const { manifest: listed } = await signModel(how);
  assert.ok(listed.resources.some(({ name }) => name === ".gitattributes"));
  assert.deepEqual(listed.serialization.ignorePaths, []);
  for (const more of [{ algorithm: "blake2b" }, { shardSize: 10 }] as const) {
    await assert.rejects(signModel({ ...how, ...more }), { code: "MODEL_REFUSED" });
  }
});
