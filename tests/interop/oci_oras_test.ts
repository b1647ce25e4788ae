/** `oras` pushes models that we sign, and discovers and copies what we attach. */

import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { MODEL_FILES } from "../support/workbench.ts";
import type { Loose } from "../support/bundles.ts";
import { ociDesk, signing, verifying } from "../support/oci_cli.ts";
import { BUNDLE_TYPE } from "../support/oci_push.ts";
import { type Tool, toolTest } from "../support/oci_tools.ts";
import { assertRejected, assertStatus } from "../support/outcome.ts";
import { startDockerRegistry, startTestRegistry } from "../support/registry.ts";
import { reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

const PLAIN = "--plain-http";

/** Pushes the desk's model with its folders; gives the reference for oras. */
function pushed(oras: Tool, { path }: Desk, host: string): string {
  const reference = `${host}/models/m:v1`;
  const files = Object.keys(MODEL_FILES).map((name) => name.replace(/^model\//, ""));
  oras(["push", PLAIN, reference, ...files], { cwd: join(path, "model") });
  return reference;
}

function discovered(oras: Tool, reference: string, ...more: readonly string[]): Loose[] {
  const found = oras(["discover", PLAIN, "--format", "json", reference, ...more]);
  return JSON.parse(found).referrers;
}

for (
  const [how, start] of [
    ["the referrers API", startTestRegistry],
    ["the tag fallback", startDockerRegistry],
  ] as const
) {
  toolTest(`oras discovers a signature that was attached by ${how}`, "oras", async (oras) => {
    await using registry = await start();
    await using at = await ociDesk();
    const reference = pushed(oras, at, registry.host);
    assertStatus(await at.run(signing(`oci://${reference}`)), 0, "sign");
    for (const more of [[], ["--artifact-type", BUNDLE_TYPE]]) {
      const [found, ...others] = discovered(oras, reference, ...more);
      assert.deepEqual(others, []);
      assert.equal(found.artifactType, BUNDLE_TYPE);
      assert.equal(
        found.annotations["dev.sigstore.bundle.predicateType"],
        "https://model_signing/signature/v1.0",
      );
      const outcome = await at.run(verifying(`oci://${reference}`));
      assertStatus(outcome, 0, "verify");
      assert.equal(reportOf(outcome).signature, found.digest);
    }
  });

  toolTest(`oras attaches something else by ${how}, beside our signature`, "oras", async (oras) => {
    await using registry = await start();
    await using at = await ociDesk();
    const reference = pushed(oras, at, registry.host);
    await at.write({ "sbom.json": "{}" });
    const attach = (type: string) =>
      oras(["attach", PLAIN, "--artifact-type", type, reference, "sbom.json:text/plain"], {
        cwd: at.path,
      });
    attach("application/spdx+json");
    assertRejected(await at.run(verifying(`oci://${reference}`)), ["SIGNATURE_MISSING"]);
    assertStatus(await at.run(signing(`oci://${reference}`)), 0, "sign");
    attach("application/vnd.cyclonedx+json");
    const types = discovered(oras, reference).map(({ artifactType }) => artifactType);
    assert.deepEqual(
      types.toSorted(),
      ["application/spdx+json", "application/vnd.cyclonedx+json", BUNDLE_TYPE].toSorted(),
    );
    const outcome = await at.run(verifying(`oci://${reference}`));
    assertStatus(outcome, 0, "verify");
    assert.equal(reportOf(outcome).otherSignatures, undefined);
  });

  toolTest(`oras copies a model with its signature from ${how}`, "oras", async (oras) => {
    await using registry = await start();
    await using other = await startDockerRegistry();
    await using at = await ociDesk();
    const reference = pushed(oras, at, registry.host);
    assertStatus(await at.run(signing(`oci://${reference}`)), 0, "sign");
    const plain = ["--from-plain-http", "--to-plain-http"];
    oras(["cp", "--recursive", ...plain, reference, `${other.host}/models/m:v1`]);
    assertStatus(await at.run(verifying(`oci://${other.host}/models/m:v1`)), 0, "registry");
    const layout = join(at.path, "layout");
    oras(["cp", "--recursive", "--from-plain-http", "--to-oci-layout", reference, `${layout}:v1`]);
    const outcome = await at.run(verifying("oci-layout:layout:v1"));
    assertStatus(outcome, 0, "layout");
    assert.equal(reportOf(outcome).coverage.stated, undefined);
  });
}

toolTest(
  "a folder that oras pulls verifies with the signature of the registry",
  "oras",
  async (oras) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const reference = pushed(oras, at, registry.host);
    assertStatus(await at.run(signing(`oci://${reference}`)), 0, "sign");
    oras(["pull", PLAIN, "--output", join(at.path, "pulled"), reference]);
    const { signatures: [found] } = JSON.parse(
      (await at.run(["discover", `oci://${reference}`, "--output", "found", "--format", "json"]))
        .stdout,
    );
    const outcome = await at.run(verifying("pulled", "--signature", found.file));
    assertStatus(outcome, 0, "verify");
    // The model has a file config.json, so the config blob goes by another name.
    assert.deepEqual(reportOf(outcome).coverage.absent, ["oci-config.json"]);
    await at.write({ "pulled/config.json": "{}" });
    assertRejected(await at.run(verifying("pulled", "--signature", found.file)), ["FILE_MODIFIED"]);
    // oras gives its plain files the type of an archive; a lost one is missing all the same.
    await rm(join(at.path, "pulled/weights/part-1.bin"));
    assertRejected(await at.run(verifying("pulled", "--signature", found.file)), [
      "FILE_MISSING",
      "FILE_MODIFIED",
    ]);
  },
);

toolTest(
  "a folder that oras packs is an archive: undecided once it is unpacked",
  "oras",
  async (oras) => {
    await using registry = await startDockerRegistry();
    await using at = await ociDesk();
    const reference = `${registry.host}/models/packed:v1`;
    oras(["push", PLAIN, reference, "weights/", "config.json"], { cwd: join(at.path, "model") });
    assertStatus(await at.run(signing(`oci://${reference}`, "--signature", "m.sig")), 0, "sign");
    oras(["pull", PLAIN, "--output", join(at.path, "pulled"), reference]);
    const outcome = await at.run(verifying("pulled", "--signature", "m.sig"));
    assertStatus(outcome, 3, "unpacked");
    assert.equal(reportOf(outcome).issues[0].code, "ARCHIVE_UNDECIDED");
    const registryOutcome = await at.run(
      verifying(`oci://${reference}`, "--signature", "m.sig", "--deep"),
    );
    assertStatus(registryOutcome, 0, "registry");
  },
);
