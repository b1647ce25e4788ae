import assert from "node:assert/strict";
import { test } from "node:test";
import { encode, type Loose } from "../support/bundles.ts";
import { fetchedBlobs, LAYERS, ociDesk, signing, verifying } from "../support/oci_cli.ts";
import { INDEX_TYPE, indexOf, manifestOf } from "../support/oci_manifests.ts";
import { CONFIG, pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import { startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { reportOf } from "../support/report.ts";
import { startSigstore } from "../support/sigstore.ts";
import { IDENTITY } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";

const OTHER = [{ content: "other weights", title: "weights.bin" }];

function at(registry: TestRegistry, target = ":v1"): string {
  return `oci://${registry.host}/${REPOSITORY}${target}`;
}

/** Manifests that were sent, by tag or digest. */
async function putManifests(registry: TestRegistry): Promise<readonly string[]> {
  return (await registry.requests())
    .filter(({ part, method }) => ["manifests", "index"].includes(part) && method === "PUT")
    .map(({ url }) => url.slice(url.lastIndexOf("/") + 1));
}

for (const referrersApi of [true, false]) {
  const how = referrersApi ? "the referrers API" : "the tag fallback";
  test(`sign attaches a signature by ${how}, and verify finds it there`, async () => {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi });
    await using desk = await ociDesk();
    const digest = await pushModel(registry.host, { layers: LAYERS });
    await registry.forget();

    const signed = await desk.run(signing(at(registry)));
    assertStatus(signed, 0, "sign");
    assert.ok(signed.stderr.includes(`${at(registry, "")}@${digest}`), signed.stderr);
    const [attached, ...others] = await putManifests(registry);
    assert.ok(signed.stdout.includes(attached!), signed.stdout);
    assert.deepEqual(others, referrersApi ? [] : [`sha256-${digest.slice(7)}`]);
    assert.deepEqual(await fetchedBlobs(registry), []);
    assert.deepEqual(Object.keys(snapshot(desk.path)).filter((name) => name.endsWith(".sig")), []);
    const tags = referrersApi ? ["v1"] : ["v1", `sha256-${digest.slice(7)}`];
    assert.deepEqual(await registry.tags(REPOSITORY), tags);

    const verified = await desk.run(verifying(at(registry)));
    assertStatus(verified, 0, "verify");
    const report = reportOf(verified);
    assert.equal(report.signature, attached);
    assert.equal(report.model.name, `${registry.host}/${REPOSITORY}`);
    assert.equal(report.coverage.stated, 3);
    assert.equal(report.otherSignatures, undefined);
    const bound = report.checks.find(({ id }: Loose) => id === "annotations");
    assert.ok(bound.detail.includes(digest), bound.detail);
    // The bundle, and none of the layers.
    const layers = manifestOf(LAYERS, CONFIG).layers.map(({ digest }: Loose) => digest);
    const fetched = await fetchedBlobs(registry);
    assert.equal(fetched.length, 1);
    assert.equal(layers.includes(fetched[0]), false);
  });
}

test("verify --deep hashes every layer, and the config blob", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  await registry.forget();
  const outcome = await desk.run(verifying(at(registry), "--deep"));
  assertStatus(outcome, 0, "deep");
  const { coverage } = reportOf(outcome);
  assert.deepEqual([coverage.files, coverage.stated], [3, undefined]);
  assert.equal((await fetchedBlobs(registry)).length, 4);
});

test("a model that is hashed can be signed by any algorithm, and verifies by it", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  const how = ["--hash-algorithm", "blake3", "--shard-size", "3"];
  assertFault(await desk.run(signing(at(registry), ...how)), 3, "MODEL_REFUSED");
  assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
  assertStatus(await desk.run(signing(at(registry), "--deep", ...how)), 0, "sign");
  assertStatus(await desk.run(verifying(at(registry), "--deep")), 0, "deep");
});

test("--signature writes and reads a file, and then nothing is attached or looked for", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  await registry.forget();
  assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
  assert.deepEqual(await putManifests(registry), []);
  const verified = await desk.run(verifying(at(registry), "--signature", "m.sig"));
  assertStatus(verified, 0, "verify");
  assert.equal(reportOf(verified).signature, "m.sig");
  const parts = new Set((await registry.requests()).map(({ part }) => part));
  assert.deepEqual([...parts], ["manifests"]);
  assertRejected(await desk.run(verifying(at(registry))), ["SIGNATURE_MISSING"]);

  const stdout = await desk.run(signing(at(registry), "--signature", "-"));
  assertStatus(stdout, 0, "stdout");
  const piped = await desk.run(verifying(at(registry), "--signature", "-"), {
    stdin: stdout.stdout,
  });
  assertStatus(piped, 0, "stdin");
});

test("digest prints the root digest that a signature holds", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  await desk.write({ "manifest.json": encode(manifestOf(LAYERS, CONFIG)) });
  const expected = (await desk.run(["digest", "manifest.json", "--files"])).stdout;
  for (const model of [at(registry), at(registry, `@${digest}`), at(registry, `:v1@${digest}`)]) {
    for (const more of [[], ["--deep"]]) {
      const outcome = await desk.run(["digest", model, "--files", ...more]);
      assertStatus(outcome, 0, model);
      assert.equal(outcome.stdout, expected);
    }
  }
});

test("a model is signed and verified with certificates, and with an identity", async () => {
  await using registry = await startTestRegistry();
  await using sigstore = await startSigstore();
  await using desk = await ociDesk();
  using pki = new Pki();
  const root = pki.root();
  const { certificate, key } = pki.leaf(root);
  await pushModel(registry.host, { layers: LAYERS });
  const model = at(registry);
  assertStatus(
    await desk.run([
      ...["sign", "certificate", model, "--private-key", key],
      ...["--signing-certificate", certificate, "--certificate-chain", root.certificate],
    ]),
    0,
    "sign certificate",
  );
  const trust = ["--trust-config", sigstore.trustConfig];
  const token = await sigstore.token();
  assertStatus(
    await desk.run(["sign", model, ...trust, "--identity-token", token]),
    0,
    "sign sigstore",
  );
  // Each finds its own among both.
  const withCertificate = await desk.run([
    ...["verify", "certificate", model, "--certificate-chain", root.certificate],
    ...["--format", "json"],
  ]);
  assertStatus(withCertificate, 0, "verify certificate");
  assert.equal(reportOf(withCertificate).identity.method, "certificate");
  const withIdentity = await desk.run([
    ...["verify", model, ...trust, "--identity", IDENTITY],
    ...["--identity-provider", sigstore.issuer, "--format", "json"],
  ]);
  assertStatus(withIdentity, 0, "verify sigstore");
  assert.equal(reportOf(withIdentity).identity.name, IDENTITY);
  assertRejected(await desk.run(verifying(model)), ["BUNDLE_MATERIAL"]);
});

test("a signature is about what the tag led to, wherever it leads later", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const first = await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  const second = await pushModel(registry.host, { layers: OTHER });
  assert.notEqual(first, second);
  assertRejected(await desk.run(verifying(at(registry))), ["SIGNATURE_MISSING"]);
  assertStatus(await desk.run(verifying(at(registry, `@${first}`))), 0, "by digest");
  // A digest counts more than the tag beside it.
  assertStatus(await desk.run(verifying(at(registry, `:v1@${first}`))), 0, "tag and digest");
});

test("a tag that moves while it is signed, or verified, changes nothing of that", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const second = await pushModel(registry.host, { layers: OTHER });
  const first = await pushModel(registry.host, { layers: LAYERS });
  for (const more of [[], ["--deep"]]) {
    await registry.move(REPOSITORY, "v1", [first, second]);
    const signed = await desk.run(signing(at(registry), ...more));
    assertStatus(signed, 0, "sign");
    assert.ok(signed.stderr.includes(first), signed.stderr);
    assertRejected(await desk.run(verifying(at(registry))), ["SIGNATURE_MISSING"]);
    await registry.move(REPOSITORY, "v1", [first, second]);
    assertStatus(await desk.run(verifying(at(registry), ...more)), 0, "verify");
  }
});

test("an index names its platforms, and --platform picks one", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const platforms = [
    { os: "linux", architecture: "amd64" },
    { os: "linux", architecture: "arm64", variant: "v8" },
  ];
  const manifests = [];
  for (const [index, platform] of platforms.entries()) {
    const layers = [{ content: `weights ${index}`, title: "weights.bin" }];
    const digest = await pushModel(registry.host, { layers, tag: `only-${index}` });
    const size = encode(manifestOf(layers, CONFIG)).length;
    manifests.push({ mediaType: manifestOf(layers).mediaType, digest, size, platform });
  }
  await registry.put(
    REPOSITORY,
    "v1",
    INDEX_TYPE,
    encode({ ...indexOf([]), manifests }),
  );
  const none = await desk.run(signing(at(registry)));
  assertFault(none, 3, "OCI_INDEX");
  assert.match(none.stderr, /hint: .*--platform/);
  assert.match(none.stderr, /linux\/amd64, linux\/arm64\/v8/);
  const absent = await desk.run(signing(at(registry), "--platform", "windows/amd64"));
  assertFault(absent, 3, "OCI_INDEX");
  assertFault(await desk.run(signing(at(registry), "--platform", "linux")), 2, "USAGE");
  assertStatus(await desk.run(signing(at(registry), "--platform", "linux/arm64")), 0, "sign");
  // The signature is beside that manifest, and no other.
  assertStatus(await desk.run(verifying(at(registry, ":only-1"))), 0, "the manifest");
  for (const [platform, status] of [["linux/arm64/v8", 0], ["linux/amd64", 1]] as const) {
    const outcome = await desk.run(verifying(at(registry), "--platform", platform));
    assertStatus(outcome, status, platform);
  }
});

test("what is left out of a model in a registry is not signed, and reported", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  assertStatus(
    await desk.run(signing(at(registry), "--ignore-paths", "tokenizer")),
    0,
    "sign",
  );
  const outcome = await desk.run(verifying(at(registry)));
  assertStatus(outcome, 0, "verify");
  assert.deepEqual(reportOf(outcome).coverage.ignored, ["tokenizer"]);
  for (const path of ["../x", "/etc", "a//b"]) {
    const wrong = await desk.run(signing(at(registry), "--ignore-paths", path));
    assertFault(wrong, 2, "USAGE_IGNORE_PATH");
  }
});

test("a file in the current folder never takes the place of a model in a registry", async () => {
  await using desk = await ociDesk();
  await desk.write({ "oci:/127.0.0.1:1/models/m:v1": "a file" });
  assertFault(
    await desk.run(["digest", "oci://127.0.0.1:1/models/m:v1"]),
    3,
    "NETWORK_UNREACHABLE",
  );
  assertStatus(await desk.run(["digest", "./oci:/127.0.0.1:1/models/m:v1"]), 0, "./");
});

test("references that the specification does not allow are refused, without a password in them", async () => {
  await using desk = await ociDesk();
  for (
    const reference of [
      // All others are in tests/plugins/oci/reference_test.ts.
      ...["oci://host/a/../b", "oci://user:secret@host/m", "oci:host/m", "oci-layout:x@sha256:00"],
    ]
  ) {
    const outcome = await desk.run(["digest", reference]);
    assertFault(outcome, 2, "USAGE_OCI_REFERENCE");
    assert.ok(!outcome.stderr.includes("secret"), outcome.stderr);
  }
  // A reference of another tool is told of before a signature is missed.
  for (const reference of ["docker://host/m", "host:5000/m:v1"]) {
    const other = await desk.run(["verify", "key", reference, "--public-key", "key.pub"]);
    assertFault(other, 3, "MODEL_NOT_FOUND");
    assert.match(other.stderr, /hint: .*oci:\/\/HOST/);
  }
  const wrong = "oci://host/Name";
  const before = snapshot(desk.path);
  for (const args of [signing(wrong), verifying(wrong), ["discover", wrong]]) {
    assertFault(await desk.run(args), 2, "USAGE_OCI_REFERENCE");
  }
  assert.deepEqual(snapshot(desk.path), before);
});
