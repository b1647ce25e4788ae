/** `skopeo` pushes and copies models that we sign, and reads what we attach. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { type Loose, sha256 } from "../support/bundles.ts";
import { LAYERS, ociDesk, signing, verifying, writeFolder } from "../support/oci_cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { BUNDLE_TYPE, CONFIG, REPOSITORY } from "../support/oci_push.ts";
import { type Tool, toolTest } from "../support/oci_tools.ts";
import { assertRejected, assertStatus } from "../support/outcome.ts";
import { startDockerRegistry } from "../support/registry.ts";
import { reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

const PLAIN = ["--src-tls-verify=false", "--dest-tls-verify=false"];

/** A layout that skopeo pushes to a registry; gives the manifest's digest. */
function pushed(skopeo: Tool, { path }: Desk, host: string): string {
  const bytes = writeLayout(join(path, "layout"), { layers: LAYERS, config: CONFIG, tag: "v1" });
  const target = `docker://${host}/${REPOSITORY}:v1`;
  skopeo(["copy", ...PLAIN, `oci:${join(path, "layout")}:v1`, target]);
  return `sha256:${sha256(bytes)}`;
}

function raw(skopeo: Tool, reference: string): string {
  return skopeo(["inspect", "--raw", "--tls-verify=false", `docker://${reference}`]);
}

toolTest(
  "skopeo's raw manifest is signed, and the model that it copies verifies",
  "skopeo",
  async (skopeo) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    pushed(skopeo, at, registry.host);
    const manifest = raw(skopeo, `${registry.host}/${REPOSITORY}:v1`);
    await at.write({ "manifest.json": manifest });
    assertStatus(await at.run(signing("manifest.json")), 0, "sign");
    await writeFolder(at, "folder");
    for (
      const model of ["manifest.json", "folder", `oci://${registry.host}/${REPOSITORY}:v1`]
    ) {
      assertStatus(await at.run(verifying(model, "--signature", "model.sig")), 0, model);
    }
    // skopeo's directory: blobs under their digests, which are no files of the model.
    skopeo([
      ...["copy", ...PLAIN, `docker://${registry.host}/${REPOSITORY}:v1`],
      `dir:${join(at.path, "dir")}`,
    ]);
    const copied = verifying("dir/manifest.json", "--signature", "model.sig");
    assertStatus(await at.run(copied), 0, "dir");
  },
);

toolTest(
  "skopeo reads the list of referrers that we write, and what it lists",
  "skopeo",
  async (skopeo) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const digest = pushed(skopeo, at, registry.host);
    assertStatus(await at.run(signing(`oci://${registry.host}/${REPOSITORY}:v1`)), 0, "sign");
    const repository = `${registry.host}/${REPOSITORY}`;
    const index = JSON.parse(raw(skopeo, `${repository}:sha256-${digest.slice(7)}`));
    assert.equal(index.mediaType, "application/vnd.oci.image.index.v1+json");
    const [listed, ...others]: Loose[] = index.manifests;
    assert.deepEqual(others, []);
    assert.equal(listed.artifactType, BUNDLE_TYPE);
    const referrer = JSON.parse(raw(skopeo, `${repository}@${listed.digest}`));
    assert.equal(referrer.subject.digest, digest);
    assert.equal(referrer.layers[0].mediaType, BUNDLE_TYPE);
  },
);

toolTest(
  "what skopeo copies with its signatures to a layout verifies there",
  "skopeo",
  async (skopeo) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const digest = pushed(skopeo, at, registry.host);
    const model = `oci://${registry.host}/${REPOSITORY}:v1`;
    assertStatus(await at.run(signing(model)), 0, "sign");
    const remote = `docker://${registry.host}/${REPOSITORY}`;
    const layout = `oci:${join(at.path, "carried")}`;
    skopeo(["copy", ...PLAIN, `${remote}:v1`, `${layout}:v1`]);
    // The list of referrers is an index, and all that it lists is copied with it.
    const tag = `sha256-${digest.slice(7)}`;
    skopeo(["copy", "--all", ...PLAIN, `${remote}:${tag}`, `${layout}:${tag}`]);
    const outcome = await at.run(verifying("oci-layout:carried:v1"));
    assertStatus(outcome, 0, "verify");
    assert.equal(reportOf(outcome).coverage.stated, undefined);
    // And back, into another registry.
    await using other = await startDockerRegistry();
    for (const name of ["v1", tag]) {
      const target = `docker://${other.host}/${REPOSITORY}:${name}`;
      skopeo(["copy", "--all", ...PLAIN, `${layout}:${name}`, target]);
    }
    assertStatus(
      await at.run(verifying(`oci://${other.host}/${REPOSITORY}:v1`)),
      0,
      "other registry",
    );
  },
);

toolTest("a layout that we sign is copied by skopeo as it was", "skopeo", async (skopeo) => {
  await using registry = await startDockerRegistry();
  await using at = await ociDesk();
  const digest = pushed(skopeo, at, registry.host);
  assertStatus(await at.run(signing("oci-layout:layout:v1")), 0, "sign");
  const target = `docker://${registry.host}/copy:v1`;
  skopeo(["copy", ...PLAIN, `oci:${join(at.path, "layout")}:v1`, target]);
  const copied = raw(skopeo, `${registry.host}/copy:v1`);
  assert.equal(`sha256:${sha256(copied)}`, digest);
  // Only the model was copied.
  const model = `oci://${registry.host}/copy:v1`;
  assertRejected(await at.run(verifying(model)), ["SIGNATURE_MISSING"]);
  assertStatus(
    await at.run(["discover", "oci-layout:layout:v1", "--output", "found"]),
    0,
    "discover",
  );
  const { signatures: [found] } = JSON.parse(
    (await at.run(["discover", "oci-layout:layout:v1", "--format", "json"])).stdout,
  );
  const file = join("found", `${found.reference.replace(":", "-")}.sigstore.json`);
  assertStatus(await at.run(["attach", model, "--signature", file]), 0, "attach");
  assertStatus(await at.run(verifying(model)), 0, "verify");
});
