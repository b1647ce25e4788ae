import assert from "node:assert/strict";
import { cp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encode, type Loose, sha256 } from "../support/bundles.ts";
import { programCommand } from "../support/cli.ts";
import { type CommandLine, withoutNetwork } from "../support/confinement.ts";
import { FOLDER, LAYERS, ociDesk, signing, verifying, writeFolder } from "../support/oci_cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { manifestOf } from "../support/oci_manifests.ts";
import { CONFIG } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";

/** Writes a layout and gives the digest of its manifest. */
function layOut({ path }: Desk, name = "layout", tag?: string): string {
  const content = { layers: LAYERS, config: CONFIG, ...(tag === undefined ? {} : { tag }) };
  return `sha256:${sha256(writeLayout(join(path, name), content))}`;
}

async function manifestsIn({ path }: Desk, name = "layout"): Promise<Loose[]> {
  return JSON.parse(await readFile(join(path, name, "index.json"), "utf8")).manifests;
}

/** Puts another content in the place of a layer's. */
async function tamper({ write }: Desk, name: string, content: string): Promise<void> {
  await write({ [`${name}/blobs/sha256/${sha256(LAYERS[0]!.content)}`]: content });
}

test("a layout is signed by tag, digest or alone, and keeps the signature as a referrer", async () => {
  await using at = await ociDesk();
  const digest = layOut(at, "layout", "v1");
  for (const model of ["layout", "layout:v1", `layout@${digest}`]) {
    await rm(join(at.path, "layout"), { recursive: true, force: true });
    layOut(at, "layout", "v1");
    const signed = await at.run(signing(`oci-layout:${model}`));
    assertStatus(signed, 0, model);
    assert.ok(signed.stderr.includes(`@${digest}`), signed.stderr);
    const [first, referrer, ...others] = await manifestsIn(at);
    assert.deepEqual(others, []);
    assert.equal(first!.digest, digest);
    assert.equal(referrer!.artifactType, "application/vnd.dev.sigstore.bundle.v0.3+json");
    // The layout still has one model, which needs no name.
    for (const again of ["layout", "layout:v1", `layout@${digest}`]) {
      const outcome = await at.run(verifying(`oci-layout:${again}`));
      assertStatus(outcome, 0, again);
      const { signature, coverage } = reportOf(outcome);
      assert.equal(signature, referrer!.digest);
      // Everything was read.
      assert.deepEqual([coverage.files, coverage.stated], [3, undefined]);
    }
  }
});

test("a layout whose layers were changed is rejected, and signed no more", async () => {
  await using at = await ociDesk();
  layOut(at);
  assertStatus(await at.run(signing("oci-layout:layout")), 0, "sign");
  await tamper(at, "layout", "Weights");
  assertRejected(await at.run(verifying("oci-layout:layout")), ["ENTRY_DIGEST"]);
  assertFault(await at.run(signing("oci-layout:layout")), 3, "MODEL_REFUSED");
  await tamper(at, "layout", "weights and more");
  assertRejected(await at.run(verifying("oci-layout:layout")), ["ENTRY_DIGEST"]);
  await rm(join(at.path, "layout/blobs/sha256", sha256("weights")));
  assertRejected(await at.run(verifying("oci-layout:layout")), ["FILE_MISSING"]);
  // Without looking at the layers, the manifest is what was signed.
  const outcome = await at.run(verifying("oci-layout:layout", "--no-deep"));
  assertStatus(outcome, 0, "--no-deep");
  assert.equal(reportOf(outcome).coverage.stated, 3);
});

for (const how of [["--shard-size", "3"], ["--hash-algorithm", "blake3"]]) {
  test(`layers of a layout are compared with what its manifest states, with ${how[0]}`, async () => {
    await using at = await ociDesk();
    layOut(at);
    await tamper(at, "layout", "Weights");
    const signed = await at.run(signing("oci-layout:layout", ...how));
    assertFault(signed, 3, "MODEL_REFUSED");
    assert.match(signed.stderr, /ENTRY_DIGEST/);
    // What the layer is now was signed elsewhere.
    await writeFolder(at, "other", { ...FOLDER, "weights.bin": "Weights", "config.json": CONFIG });
    assertStatus(await at.run(signing("other", ...how, "--signature", "m.sig")), 0, "sign");
    const outcome = await at.run(verifying("oci-layout:layout", "--signature", "m.sig"));
    assertRejected(outcome, ["ENTRY_DIGEST"]);
  });
}

test("a layout is hashed in any way, and its signature verifies the folder, too", async () => {
  await using at = await ociDesk();
  layOut(at);
  const how = ["--hash-algorithm", "blake2b", "--signature", "m.sig"];
  assertStatus(await at.run(signing("oci-layout:layout", ...how)), 0, "sign");
  assert.equal((await manifestsIn(at)).length, 1);
  await writeFolder(at, "pulled");
  for (const model of ["oci-layout:layout", "pulled"]) {
    assertStatus(await at.run(verifying(model, "--signature", "m.sig")), 0, model);
  }
});

test("a signature is carried to another layout by discover and attach", async () => {
  await using at = await ociDesk();
  layOut(at);
  layOut(at, "copy");
  assertStatus(await at.run(signing("oci-layout:layout")), 0, "sign");
  assertRejected(await at.run(verifying("oci-layout:copy")), ["SIGNATURE_MISSING"]);
  const found = await at.run(["discover", "oci-layout:layout", "--output", "found"]);
  assertStatus(found, 0, "discover");
  const [signature] = Object.keys(snapshot(join(at.path, "found")));
  const attach = ["attach", "oci-layout:copy", "--signature", join("found", signature!)];
  for (let times = 0; times < 2; times++) assertStatus(await at.run(attach), 0, "attach");
  const outcome = await at.run(verifying("oci-layout:copy"));
  assertStatus(outcome, 0, "verify");
});

const offline = withoutNetwork();

if (offline !== undefined) {
  test("a layout with its signature is all that an air gap needs", async () => {
    await using at = await ociDesk();
    layOut(at, "layout", "v1");
    assertStatus(await at.run(signing("oci-layout:layout:v1")), 0, "sign");
    await cp(join(at.path, "layout"), join(at.path, "carried"), { recursive: true });
    const command: CommandLine = [
      ...programCommand(),
      ...verifying("oci-layout:carried:v1", "--pull", "pulled"),
    ];
    const outcome = offline(command, { cwd: at.path, env: at.env });
    assertStatus(outcome, 0, "verify offline");
    assert.equal(await readFile(join(at.path, "pulled/weights.bin"), "utf8"), "weights");
  });
}

test("a layout with several models needs a name for one", async () => {
  await using at = await ociDesk();
  layOut(at, "layout", "v1");
  const other = encode(manifestOf([{ content: "others", title: "weights.bin" }], CONFIG));
  const index = {
    schemaVersion: 2,
    manifests: [...await manifestsIn(at), {
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      digest: `sha256:${sha256(other)}`,
      size: other.length,
      annotations: { "org.opencontainers.image.ref.name": "v2" },
    }],
  };
  await at.write({
    "layout/index.json": encode(index),
    [`layout/blobs/sha256/${sha256(other)}`]: other,
    [`layout/blobs/sha256/${sha256("others")}`]: "others",
  });
  const ambiguous = await at.run(["digest", "oci-layout:layout"]);
  assertFault(ambiguous, 3, "OCI_MANIFEST");
  assert.match(ambiguous.stderr, /"v1", "v2"/);
  assertFault(await at.run(["digest", "oci-layout:layout:v3"]), 3, "OCI_NOT_FOUND");
  assertStatus(await at.run(signing("oci-layout:layout:v2")), 0, "v2");
  assertStatus(await at.run(verifying("oci-layout:layout:v2")), 0, "v2");
  assertRejected(await at.run(verifying("oci-layout:layout:v1")), ["SIGNATURE_MISSING"]);
});

for (
  const [what, files, code] of [
    ["is no layout", { "layout/oci-layout": undefined }, "OCI_NOT_FOUND"],
    ["has another version", { "layout/oci-layout": '{"imageLayoutVersion":"2"}' }, "OCI_MANIFEST"],
    ["has no index", { "layout/index.json": undefined }, "OCI_NOT_FOUND"],
    ["has an index that is none", { "layout/index.json": "[]" }, "OCI_MANIFEST"],
    [
      "has an empty index",
      { "layout/index.json": '{"schemaVersion":2,"manifests":[]}' },
      "OCI_NOT_FOUND",
    ],
  ] as const
) {
  test(`a folder that ${what} is refused, and stays as it is`, async () => {
    await using at = await ociDesk();
    layOut(at);
    for (const [name, content] of Object.entries(files)) {
      if (content === undefined) await rm(join(at.path, name));
      else await at.write({ [name]: content });
    }
    const before = snapshot(at.path);
    for (
      const args of [
        signing("oci-layout:layout"),
        verifying("oci-layout:layout"),
        ["digest", "oci-layout:layout"],
        ["discover", "oci-layout:layout"],
      ]
    ) assertFault(await at.run(args), 3, code);
    assert.deepEqual(snapshot(at.path), before);
  });
}
