/** `cosign` keeps its own attachments beside ours, and lists them in its own way. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encode, type Loose, sha256 } from "../support/bundles.ts";
import { LAYERS, ociDesk, signing, verifying } from "../support/oci_cli.ts";
import { INDEX_TYPE, MANIFEST_TYPE, manifestOf } from "../support/oci_manifests.ts";
import { BUNDLE_TYPE, CONFIG, pushModel, REPOSITORY } from "../support/oci_push.ts";
import { type Tool, toolTest } from "../support/oci_tools.ts";
import { assertRejected, assertStatus } from "../support/outcome.ts";
import { startDockerRegistry, startTestRegistry } from "../support/registry.ts";
import { codesOf, reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

const EMPTY = "application/vnd.oci.empty.v1+json";

/** Without services, which would be in the internet. */
const ALONE = ["--use-signing-config=false", "--tlog-upload=false", "--allow-http-registry", "-y"];

const ENV = { COSIGN_PASSWORD: "" };

/** Gives cosign the desk's key, and makes it sign and attest the model with it. */
function signAndAttest(cosign: Tool, { path }: Desk, image: string): void {
  const options = { cwd: path, env: ENV };
  cosign(["import-key-pair", "--key", "key.pem", "--output-key-prefix", "imported"], options);
  const key = ["--key", "imported.key"];
  cosign(["sign", ...key, ...ALONE, image], options);
  const predicate = ["--predicate", "model/config.json", "--type", "custom"];
  cosign(["attest", ...key, ...predicate, ...ALONE, image], options);
}

toolTest(
  "cosign's attachments by the same key are not mistaken for signatures of the model",
  "cosign",
  async (cosign) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const digest = await pushModel(registry.host, { layers: LAYERS });
    const model = `oci://${registry.host}/${REPOSITORY}:v1`;
    signAndAttest(cosign, at, `${registry.host}/${REPOSITORY}@${digest}`);
    const alone = await at.run(verifying(model));
    // cosign names the key by another hash, and that is looked at before what was signed.
    assertRejected(alone, ["KEY_HINT_MISMATCH"]);
    const report = reportOf(alone);
    assert.equal(report.otherSignatures.length, 1);
    assert.deepEqual(codesOf(report.otherSignatures[0]), ["KEY_HINT_MISMATCH"]);

    assertStatus(await at.run(signing(model)), 0, "sign");
    assertStatus(await at.run(verifying(model)), 0, "verify");
    const { signatures } = JSON.parse(
      (await at.run(["discover", model, "--format", "json"])).stdout,
    );
    const types = signatures.map(({ predicateType }: Loose) => predicateType);
    assert.deepEqual(types.toSorted(), [
      "https://cosign.sigstore.dev/attestation/v1",
      "https://model_signing/signature/v1.0",
      "https://sigstore.dev/cosign/sign/v1",
    ]);
  },
);

toolTest(
  "cosign keeps our signature in its list of referrers, which we read, and verifies its own",
  "cosign",
  async (cosign) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const digest = await pushModel(registry.host, { layers: LAYERS });
    const model = `oci://${registry.host}/${REPOSITORY}:v1`;
    const image = `${registry.host}/${REPOSITORY}@${digest}`;
    assertStatus(await at.run(signing(model)), 0, "sign");
    const { signature } = reportOf(await at.run(verifying(model)));
    signAndAttest(cosign, at, image);
    const list = await fetch(
      `http://${registry.host}/v2/${REPOSITORY}/manifests/${digest.replace(":", "-")}`,
      { headers: { accept: INDEX_TYPE } },
    );
    const listed: Loose[] = (await list.json()).manifests;
    assert.equal(listed.length, 3);
    assert.ok(listed.some((each) => each.digest === signature));
    const outcome = await at.run(verifying(model));
    assertStatus(outcome, 0, "verify");
    assert.equal(reportOf(outcome).signature, signature);
    const verify = ["verify", "--key", "imported.pub", "--insecure-ignore-tlog=true"];
    cosign([...verify, "--allow-http-registry", image], { cwd: at.path, env: ENV });
  },
);

for (
  const [what, told] of [
    ["the empty config's type", { artifactType: EMPTY }],
    ["no type", {}],
    ["an empty type", { artifactType: "" }],
    ["annotations that are null", { artifactType: EMPTY, annotations: null }],
  ] as const
) {
  test(`a fallback index as cosign 3.1 writes it is read: ${what}`, async () => {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi: false });
    await using at = await ociDesk();
    const digest = await pushModel(registry.host, { layers: LAYERS });
    const model = `oci://${registry.host}/${REPOSITORY}:v1`;
    assertStatus(await at.run(signing(model, "--signature", "m.sig")), 0, "sign");
    const content = await readFile(join(at.path, "m.sig"), "utf8");
    const referrer = {
      ...manifestOf([{ content, mediaType: BUNDLE_TYPE }], "{}"),
      artifactType: BUNDLE_TYPE,
      config: { mediaType: EMPTY, digest: `sha256:${sha256("{}")}`, size: 2 },
      subject: {
        mediaType: MANIFEST_TYPE,
        digest,
        size: encode(manifestOf(LAYERS, CONFIG)).length,
      },
    };
    const bytes = encode(referrer);
    const named = `sha256:${sha256(bytes)}`;
    await pushModel(registry.host, {
      layers: [{ content }],
      config: "{}",
      manifest: referrer,
      tag: named,
    });
    const entry = { mediaType: MANIFEST_TYPE, size: bytes.length, digest: named, ...told };
    const index = { schemaVersion: 2, mediaType: INDEX_TYPE, manifests: [entry] };
    await registry.put(REPOSITORY, digest.replace(":", "-"), INDEX_TYPE, encode(index));
    const outcome = await at.run(verifying(model));
    assertStatus(outcome, 0, "verify");
    assert.equal(reportOf(outcome).signature, named);
    // What was there stays as it is when ours is added.
    assertStatus(await at.run(signing(model)), 0, "sign");
    const after = await fetch(
      `http://${registry.host}/v2/${REPOSITORY}/manifests/${digest.replace(":", "-")}`,
    );
    const { manifests: [first, second, ...others] } = await after.json();
    assert.deepEqual(first, entry);
    assert.equal(second.artifactType, BUNDLE_TYPE);
    assert.deepEqual(others, []);
  });
}
