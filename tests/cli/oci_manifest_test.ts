import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encode, type Loose, sha256 } from "../support/bundles.ts";
import { goBundle, LAYERS, ociDesk, otherKey, signing, verifying } from "../support/oci_cli.ts";
import { indexOf, layerOf, manifestOf, type TestLayer } from "../support/oci_manifests.ts";
import { CONFIG } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

const MANIFEST = manifestOf(LAYERS, CONFIG);
const NAMES = ["config.json", "tokenizer/vocab.txt", "weights.bin"];

/** JSON that is no manifest: each is a model of one file. */
const ORDINARY: Readonly<Record<string, Loose>> = {
  "a schema version alone": { schemaVersion: 2 },
  "layers without digests": { schemaVersion: 2, config: {}, layers: [{}] },
  "another schema version": { ...MANIFEST, mediaType: undefined, schemaVersion: 1 },
  "a list": [MANIFEST],
  "a list of packages": { name: "model", version: "1.0.0", layers: ["dense"] },
  "no JSON": "weights",
};

async function namesIn({ run }: Desk, model: string, ...more: string[]): Promise<string[]> {
  const outcome = await run(["digest", model, "--files", "--format", "json", ...more]);
  assertStatus(outcome, 0, model);
  return JSON.parse(outcome.stdout).resources.map(({ name }: { name: string }) => name);
}

async function statementIn({ path }: Desk, signature: string): Promise<Loose> {
  const bundle = JSON.parse(await readFile(join(path, signature), "utf8"));
  return JSON.parse(Buffer.from(bundle.dsseEnvelope.payload, "base64").toString());
}

test("a manifest is known by its content, whatever the file is called", async () => {
  await using at = await ociDesk();
  const docker = {
    ...MANIFEST,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  };
  await at.write({
    "manifest.json": encode(MANIFEST),
    "weights.bin": encode({ ...MANIFEST, mediaType: undefined }),
    "docker": encode(docker),
  });
  for (const model of ["manifest.json", "weights.bin", "docker"]) {
    assert.deepEqual(await namesIn(at, model), NAMES);
  }
});

test("JSON that is no manifest is a model of one file", async () => {
  await using at = await ociDesk();
  for (const [what, content] of Object.entries(ORDINARY)) {
    await at.write({ "model.json": encode(content) });
    assert.deepEqual(await namesIn(at, "model.json"), ["model.json"], what);
  }
});

test("a variable that says what files are is for files", async () => {
  await using at = await ociDesk();
  await at.write({ "folder/weights": "x" });
  for (const source of ["file", "oci-manifest"]) {
    const outcome = await at.run(["digest", "folder"], { env: { MODEL_SIGNING_SOURCE: source } });
    assertStatus(outcome, 0, source);
  }
});

test("a manifest that is something else, too, is a file unless it is said to be a manifest", async () => {
  await using at = await ociDesk();
  const untyped = { ...MANIFEST, mediaType: undefined };
  await at.write({ "data.json": encode({ ...untyped, tokenizer: {} }) });
  assert.deepEqual(await namesIn(at, "data.json"), ["data.json"]);
  assert.deepEqual(await namesIn(at, "data.json", "--source", "oci-manifest"), NAMES);
  await at.write({ "typed.json": encode({ ...MANIFEST, tokenizer: {} }) });
  assert.deepEqual(await namesIn(at, "typed.json"), NAMES);
});

test("sign says of what kind the model is that it has signed", async () => {
  await using at = await ociDesk();
  await at.write({ "data.json": encode(MANIFEST) });
  const { stdout } = await at.run(signing("data.json", "--signature", "m.sig"));
  assert.match(stdout, /^Annotations +dev\.model-signing\.source is "oci"$/m);
  assert.match(stdout, /^ +dev\.model-signing\.oci\.manifest\.digest is "sha256:[0-9a-f]{64}"$/m);
});

test("--source says what a file is, whatever it looks like", async () => {
  await using at = await ociDesk();
  await at.write({ "manifest.json": encode(MANIFEST) });
  assert.deepEqual(await namesIn(at, "manifest.json", "--source", "file"), ["manifest.json"]);
  for (const [what, content] of Object.entries(ORDINARY)) {
    await at.write({ "model.json": encode(content) });
    const outcome = await at.run(["digest", "model.json", "--source", "oci-manifest"]);
    assertFault(outcome, 3, "MODEL_REFUSED");
    assert.match(outcome.stderr, /hint: --source file/, what);
  }
  assertFault(await at.run(["digest", "model.json", "--source", "oci"]), 2, "USAGE");
});

test("--ignore-paths leaves out layers of a manifest, also several joined by commas", async () => {
  await using at = await ociDesk();
  await at.write({ "manifest.json": encode(MANIFEST) });
  const [first, second, ...others] = await namesIn(at, "manifest.json");
  assert.deepEqual(
    await namesIn(at, "manifest.json", "--ignore-paths", `${first},${second}`),
    others,
  );
});

test("a signature of a manifest verifies it, and no other that lists the same", async () => {
  await using at = await ociDesk();
  await at.write({ "manifest.json": encode(MANIFEST) });
  assertStatus(await at.run(signing("manifest.json")), 0, "sign");
  const verify = (model: string) => at.run(verifying(model, "--signature", "model.sig"));
  const outcome = await verify("manifest.json");
  assertStatus(outcome, 0, "verify");
  const { coverage, checks } = reportOf(outcome);
  assert.equal(coverage.stated, 3);
  const bound = checks.find(({ id }: { id: string }) => id === "annotations");
  assert.equal(bound.status, "passed");
  assert.ok(bound.detail.includes(`sha256:${sha256(encode(MANIFEST))}`), bound.detail);

  await at.write({
    "reordered.json": encode({ ...MANIFEST, layers: MANIFEST.layers.toReversed() }),
    "annotated.json": encode({ ...MANIFEST, annotations: { license: "MIT" } }),
    "other.json": encode(manifestOf([{ ...LAYERS[0]!, content: "others" }, LAYERS[1]!], CONFIG)),
  });
  assertRejected(await verify("reordered.json"), ["ANNOTATION_MISMATCH"]);
  assertRejected(await verify("annotated.json"), ["ANNOTATION_MISMATCH"]);
  assertRejected(await verify("other.json"), ["ANNOTATION_MISMATCH", "FILE_MODIFIED"]);
});

test("a signature of a manifest tells media types, sizes, the manifest's digest and its kind", async () => {
  await using at = await ociDesk();
  await at.write({ "manifest.json": encode(MANIFEST) });
  assertStatus(await at.run(signing("manifest.json")), 0, "sign");
  const { subject: [subject], predicate } = await statementIn(at, "model.sig");
  assert.deepEqual(subject.annotations, {
    "dev.model-signing.oci.manifest.digest": `sha256:${sha256(encode(MANIFEST))}`,
    "dev.model-signing.source": "oci",
  });
  const weights = predicate.resources.find(({ name }: Loose) => name === "weights.bin");
  assert.deepEqual(
    [weights.mediaType, weights.size, weights.digest],
    ["application/octet-stream", 7, sha256("weights")],
  );
});

test("an index is an error that names the platforms", async () => {
  await using at = await ociDesk();
  await at.write({
    "index.json": encode(indexOf([
      { os: "linux", architecture: "amd64" },
      { os: "linux", architecture: "arm64", variant: "v8" },
    ])),
  });
  for (const args of [["digest", "index.json"], signing("index.json")]) {
    const outcome = await at.run(args);
    assertFault(outcome, 3, "OCI_INDEX");
    assert.match(outcome.stderr, /linux\/amd64, linux\/arm64\/v8/);
    assert.match(outcome.stderr, /hint: .*--platform/);
  }
  assert.deepEqual(await namesIn(at, "index.json", "--source", "file"), ["index.json"]);
});

test("a signature in the Go tool's form verifies the manifest, and tells what it does not bind", async () => {
  await using at = await ociDesk();
  const keys = await otherKey(at);
  await at.write({ "manifest.json": encode(MANIFEST), "go.sig": goBundle(keys, LAYERS) });
  const verify = ["verify", "key", "manifest.json", "--public-key", "other.pub"];
  verify.push("--signature", "go.sig", "--format", "json");
  assertRejected(await at.run(verify), ["ANNOTATION_UNSIGNED"]);
  const outcome = await at.run([...verify, "--source", "oci-manifest"]);
  assertStatus(outcome, 0, "verify");
  const bound = reportOf(outcome).checks.find(({ id }: { id: string }) => id === "annotations");
  assert.equal(bound.status, "skipped");
  assert.match(bound.detail, /does not bind .*manifest\.digest/);
});

test("a signature of files does not verify a file that lists their digests", async () => {
  await using at = await ociDesk();
  await at.write({ "mine/config.json": "{}", "mine/weights.bin": "weights" });
  assertStatus(await at.run(signing("mine/config.json", "--signature", "file.sig")), 0, "sign");
  assertStatus(await at.run(signing("mine", "--signature", "folder.sig")), 0, "sign");
  const own: TestLayer = { content: "{}", title: "config.json" };
  const weights: TestLayer = { content: "weights", title: "weights.bin" };
  for (
    const [layers, signature] of [[[own], "file.sig"], [[own, weights], "folder.sig"]] as const
  ) {
    for (const name of ["mine/config.json", "other.json"]) {
      await at.write({ [name]: encode({ evil: true, ...manifestOf(layers, "{}") }) });
      const verify = verifying(name, "--signature", signature);
      assertRejected(await at.run(verify), ["ANNOTATION_UNSIGNED"]);
    }
  }
});

test("a signature of a manifest lists what the Go tool lists", async () => {
  await using at = await ociDesk();
  const keys = await otherKey(at);
  const layers = [...LAYERS, { content: "packed" }];
  await at.write({
    "manifest.json": encode(manifestOf(layers, CONFIG)),
    "go.sig": goBundle(keys, layers),
  });
  assertStatus(await at.run(signing("manifest.json")), 0, "sign");
  const [ours, theirs] = [await statementIn(at, "model.sig"), await statementIn(at, "go.sig")];
  assert.deepEqual(ours.subject[0].digest, theirs.subject[0].digest);
  const named = ({ predicate: { resources } }: Loose) =>
    resources.map(({ name, digest, algorithm }: Loose) => ({ name, digest, algorithm }));
  assert.deepEqual(named(ours), named(theirs));
});

test("a layer called config.json and the config blob are both signed", async () => {
  await using at = await ociDesk();
  const own: TestLayer = { content: '{"own":1}', title: "config.json" };
  const manifest = manifestOf([...LAYERS, own], CONFIG);
  await at.write({ "manifest.json": encode(manifest) });
  assert.deepEqual(await namesIn(at, "manifest.json"), [...NAMES, "oci-config.json"].toSorted());
  assertStatus(await at.run(signing("manifest.json")), 0, "sign");
  const changed = { ...manifest, config: { ...manifest.config, digest: `sha256:${sha256("x")}` } };
  await at.write({ "manifest.json": encode(changed) });
  assertRejected(
    await at.run(verifying("manifest.json", "--signature", "model.sig")),
    ["ANNOTATION_MISMATCH", "FILE_MODIFIED"],
  );
  // The Go tool leaves the config blob unsigned here.
  const keys = await otherKey(at);
  await at.write({
    "manifest.json": encode(manifest),
    "go.sig": goBundle(keys, [...LAYERS, own]),
  });
  assertRejected(
    await at.run([
      ...["verify", "key", "manifest.json", "--public-key", "other.pub"],
      ...["--signature", "go.sig", "--format", "json", "--source", "oci-manifest"],
    ]),
    ["FILE_UNSIGNED"],
  );
});

test("ModelPack's path names a layer without a title", async () => {
  await using at = await ociDesk();
  const layers: readonly TestLayer[] = [
    { content: "a", filepath: "weights/a.safetensors" },
    { content: "b", filepath: "./b.txt" },
    { content: "c", filepath: "ignored", title: "c.txt" },
  ];
  await at.write({ "manifest.json": encode(manifestOf(layers)) });
  const names = ["b.txt", "c.txt", "config.json", "weights/a.safetensors"];
  assert.deepEqual(await namesIn(at, "manifest.json"), names);
});

for (
  const [what, layers, code] of [
    ["two layers of one name", [{ content: "a", title: "x" }, { content: "b", title: "x" }]],
    ["a title that leads out", [{ content: "a", title: "../x" }]],
    ["an absolute title", [{ content: "a", title: "/etc/passwd" }]],
    ["a title with NUL", [{ content: "a", title: "x\0y" }]],
    ["a ModelPack path that leads out", [{ content: "a", filepath: "../../x" }]],
  ] as readonly (readonly [string, readonly TestLayer[], string?])[]
) {
  test(`a manifest with ${what} is refused, and nothing is signed`, async () => {
    await using at = await ociDesk();
    await at.write({ "manifest.json": encode(manifestOf([...LAYERS, ...layers])) });
    const outcome = await at.run(signing("manifest.json"));
    assertFault(outcome, 3, code ?? "MODEL_REFUSED");
    assert.match(outcome.stderr, /\[ENTRY_NAME\]/);
    assert.doesNotMatch(outcome.stderr, /\0/);
    await assert.rejects(readFile(join(at.path, "model.sig")), { code: "ENOENT" });
  });
}

test("a manifest with a SHA-512 digest is refused by name", async () => {
  await using at = await ociDesk();
  const layer = { ...layerOf(LAYERS[0]!), digest: `sha512:${"ab".repeat(64)}` };
  await at.write({ "manifest.json": encode({ ...MANIFEST, layers: [layer] }) });
  const outcome = await at.run(signing("manifest.json"));
  assertFault(outcome, 3, "MODEL_REFUSED");
  assert.match(outcome.stderr, /sha512.*\[ENTRY_DIGEST_ALGORITHM\]/);
});

for (
  const [what, bend, code] of [
    ["no layers", { layers: [] }, "MODEL_EMPTY"],
    ["another schema version", { schemaVersion: 1 }, "MODEL_REFUSED"],
    [
      "a digest without an algorithm",
      { config: { ...MANIFEST.config, digest: "ab".repeat(32) } },
      "MODEL_REFUSED",
    ],
    [
      "a digest of another length",
      { config: { ...MANIFEST.config, digest: "sha256:abcd" } },
      "MODEL_REFUSED",
    ],
    [
      "a digest in capitals",
      { config: { ...MANIFEST.config, digest: `sha256:${"AB".repeat(32)}` } },
      "MODEL_REFUSED",
    ],
    ["a size that is none", { config: { ...MANIFEST.config, size: -1 } }, "MODEL_REFUSED"],
    ["the members of an index, too", { manifests: [] }, "MODEL_REFUSED"],
  ] as const
) {
  test(`a manifest with ${what} is refused`, async () => {
    await using at = await ociDesk();
    await at.write({ "manifest.json": encode({ ...MANIFEST, ...bend }) });
    assertFault(await at.run(signing("manifest.json")), 3, code);
  });
}

test("the digests of a manifest's layers cannot be told by another algorithm", async () => {
  await using at = await ociDesk();
  await at.write({ "manifest.json": encode(MANIFEST) });
  for (const how of [["--hash-algorithm", "blake3"], ["--shard-size", "1MiB"]]) {
    const outcome = await at.run(signing("manifest.json", ...how));
    assertFault(outcome, 3, "MODEL_REFUSED");
    assert.match(outcome.stderr, /^model-signing: hint: .*--deep$/m);
  }
});
