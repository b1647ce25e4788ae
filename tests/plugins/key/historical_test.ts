/** Bundles that earlier tools made with keys, and the specification's vectors. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { readBundleFile } from "../../../core/files.ts";
import type { Report } from "../../../core/report.ts";
import { verifyModel } from "../../../core/verify.ts";
import { readPublicKey } from "../../../plugins/_keyfile/mod.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keyVerifier } from "../../../plugins/key/mod.ts";
import { sharedData } from "../../support/shared.ts";

const oms = sharedData("oms");

async function verified(
  bundle: string,
  model: string,
  key = "signing-key-pub.pem",
): Promise<Report> {
  const path = join(oms!, "trust", key);
  return await verifyModel({
    source: await fileSystemSource(join(oms!, model), { ignorePaths: [] }),
    hasher: hasherFactory(),
    bundle: await readBundleFile(join(oms!, bundle)),
    verifier: keyVerifier({ publicKeys: [readPublicKey(readFileSync(path), path)] }),
  });
}

function codes(report: Report): readonly string[] {
  return report.verdict === "verified" ? [] : report.issues.map(({ code }) => code);
}

if (oms !== undefined) {
  const bundles = {
    "v0.3.1-elliptic-key": "model/signme-1",
    "v1.0.0-elliptic-key": "model/signme-1",
    "v1.1.0-elliptic-key": "model",
  };
  for (const [name, model] of Object.entries(bundles)) {
    const folder = join("historical", name);
    const bundle = join(folder, "bundle.sig");

    test(`the historical bundle ${name} verifies`, async () => {
      const report = await verified(bundle, join(folder, model));
      assert.deepEqual(codes(report), []);
      assert.ok(report.verdict === "verified");
      assert.ok(report.identity.kind === "key");
      assert.equal(report.identity.algorithm, "EC P-384");
    });

    test(`the historical bundle ${name} is rejected with another key`, async () => {
      const report = await verified(bundle, join(folder, model), "wrong-key-pub.pem");
      assert.equal(report.verdict, "rejected");
      assert.ok(codes(report).includes("SIGNATURE_INVALID"));
      assert.equal(report.coverage.files, 0);
    });
  }

  test("the historical bundle v1.0.0-elliptic-key is rejected over another file", async () => {
    const folder = join("historical", "v1.1.0-elliptic-key", "model", "signme-2");
    const report = await verified(join("historical", "v1.0.0-elliptic-key", "bundle.sig"), folder);
    assert.deepEqual(codes(report), ["FILE_MODIFIED"]);
    assert.ok(report.verdict === "rejected" && report.signedBy?.kind === "key");
  });

  test("the certificate of the historical key verifies like the key", async () => {
    const folder = join("historical", "v1.1.0-elliptic-key");
    const report = await verified(
      join(folder, "bundle.sig"),
      join(folder, "model"),
      "signing-key-cert.pem",
    );
    assert.equal(report.verdict, "verified");
  });

  test("the specification's vector of a key bundle is by the key it names", async () => {
    const report = await verified(
      join("vectors", "valid", "key.bundle.json"),
      join("historical", "v1.1.0-elliptic-key", "model"),
    );
    assert.deepEqual(codes(report), []);
  });

  test("the specification's vector with a wrong predicate is rejected", async () => {
    const report = await verified(
      join("vectors", "invalid-payload", "wrong-predicate.bundle.json"),
      join("historical", "v1.1.0-elliptic-key", "model"),
    );
    assert.equal(report.verdict, "rejected");
    assert.ok(
      codes(report).some((code) => code === "PREDICATE_TYPE" || code === "SIGNATURE_INVALID"),
    );
  });
}
