/** Several signatures beside one model: which one counts, and what is said of the others. */

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { encode, type Loose, sha256, signedBundle } from "../support/bundles.ts";
import {
  goBundle,
  LAYERS,
  ociDesk,
  otherKey,
  signing,
  verifying,
  writeFolder,
} from "../support/oci_cli.ts";
import { manifestOf } from "../support/oci_manifests.ts";
import {
  attachedLayers,
  BUNDLE_TYPE,
  CONFIG,
  pushModel,
  pushReferrer,
  type Referrer,
  REPOSITORY,
} from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { codesOf, reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";

function at(registry: TestRegistry, target = ":v1"): string {
  return `oci://${registry.host}/${REPOSITORY}${target}`;
}

/** Signs with another key than that of the desk, and attaches it. */
async function attachForeign(desk: Desk, model: string): Promise<void> {
  const args = ["sign", "key", model, "--private-key", "other.pem"];
  assertStatus(await desk.run(args), 0, "sign with the other key");
}

function codesBySignature(signatures: Loose): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(signatures.map((each: Loose) => [each.signature, codesOf(each)]));
}

for (const referrersApi of [true, false]) {
  const how = referrersApi ? "the referrers API" : "the tag fallback";
  test(`verify tries every signature by ${how}, and tells why it did not take the others`, async () => {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi });
    await using desk = await ociDesk();
    await otherKey(desk);
    const model = await pushModel(registry.host, { layers: LAYERS });
    assertStatus(await desk.run(signing(at(registry))), 0, "sign");
    const other = ["sign", "key", at(registry), "--private-key", "other.pem"];
    assertStatus(await desk.run([...other, "--signature", "other.sig"]), 0, "other key");
    const foreignBundle = await readFile(join(desk.path, "other.sig"), "utf8");
    const subject = { digest: model, manifest: manifestOf(LAYERS, CONFIG) };
    // All younger than ours by their own account, so that they are tried first.
    const push = (referrer: Referrer) =>
      pushReferrer(registry.host, subject, { ...referrer, created: "2099-01-01T00:00:00Z" });
    const garbage = await push(attachedLayers(["no bundle at all"]));
    const foreign = await push(attachedLayers([foreignBundle]));
    const twofold = await push(attachedLayers([foreignBundle, "another"]));
    const spdx = "application/spdx+json";
    await push({ artifactType: spdx, layers: [{ content: "{}", mediaType: spdx }] });

    const outcome = await desk.run(verifying(at(registry)));
    assertStatus(outcome, 0, "verify");
    const { otherSignatures, signature } = reportOf(outcome);
    assert.deepEqual(codesBySignature(otherSignatures), {
      [garbage]: ["BUNDLE_MALFORMED"],
      [foreign]: ["KEY_HINT_MISMATCH", "SIGNATURE_INVALID"],
    });
    assert.ok(![garbage, foreign, twofold].includes(signature));
    const text = await desk.run(["verify", "key", at(registry), "--public-key", "key.pub"]);
    assert.match(text.stdout, /^VERIFIED/);
    const others = text.stdout.slice(text.stdout.indexOf("Other signatures"));
    for (const part of [garbage, foreign, "BUNDLE_MALFORMED", "SIGNATURE_INVALID"]) {
      assert.ok(others.includes(part), text.stdout);
    }

    // When none fits, all of them are told, also that which cannot be read.
    await otherKey(desk);
    const none = await desk.run(verifying(at(registry)).with(4, "other.pub"));
    assertStatus(none, 1, "none fits");
    const report = reportOf(none);
    assert.deepEqual(
      [report.signature, ...report.otherSignatures.map((each: Loose) => each.signature)].toSorted(),
      [garbage, foreign, twofold, signature].toSorted(),
    );
  });
}

test("verify takes the signature that fits the policy, whatever the order", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await otherKey(desk);
  await pushModel(registry.host, { layers: LAYERS });
  await attachForeign(desk, at(registry));
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  const [ours, theirs] = await Promise.all(
    ["key.pub", "other.pub"].map(async (key) =>
      reportOf(await desk.run(verifying(at(registry)).with(4, key)))
    ),
  );
  assert.deepEqual([ours.verdict, theirs.verdict], ["verified", "verified"]);
  assert.notEqual(ours.signature, theirs.signature);
  assert.notEqual(ours.identity.keyHint, theirs.identity.keyHint);
});

test("verify rejects a model without a signature", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  for (const referrersApi of [true, false]) {
    await registry.behave({ referrersApi });
    const outcome = await desk.run(verifying(at(registry)));
    assertRejected(outcome, ["SIGNATURE_MISSING"]);
    assert.match(reportOf(outcome).issues[0].hint, /--signature/);
  }
  // Only an attachment of another kind.
  await registry.behave({ referrersApi: true });
  await pushReferrer(registry.host, { digest, manifest: manifestOf(LAYERS, CONFIG) }, {
    artifactType: "application/spdx+json",
    layers: [{ content: "{}", mediaType: "application/spdx+json" }],
  });
  assertRejected(await desk.run(verifying(at(registry))), ["SIGNATURE_MISSING"]);
});

test("verify rejects a model that only others have signed, and names all of them", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await otherKey(desk);
  await pushModel(registry.host, { layers: LAYERS });
  await attachForeign(desk, at(registry));
  await otherKey(desk);
  await attachForeign(desk, at(registry));
  const outcome = await desk.run(verifying(at(registry)));
  assertRejected(outcome, ["KEY_HINT_MISMATCH", "SIGNATURE_INVALID"]);
  const report = reportOf(outcome);
  assert.equal(report.otherSignatures.length, 1);
  assert.notEqual(report.otherSignatures[0].signature, report.signature);
});

test("a signature of another model that was attached to this one is rejected", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  const others = [{ content: "evil", title: "weights.bin" }];
  await pushModel(registry.host, { layers: others, tag: "evil" });
  const args = signing(at(registry, ":evil"), "--signature", "evil.sig");
  assertStatus(await desk.run(args), 0, "sign");
  const bundle = await readFile(join(desk.path, "evil.sig"), "utf8");
  await pushReferrer(
    registry.host,
    { digest, manifest: manifestOf(LAYERS, CONFIG) },
    attachedLayers([bundle]),
  );
  assertRejected(await desk.run(verifying(at(registry))), ["ANNOTATION_MISMATCH"]);
  // Whoever names that signature is told what differs.
  assertRejected(await desk.run(verifying(at(registry), "--signature", "evil.sig")), [
    "ANNOTATION_MISMATCH",
    "FILE_MODIFIED",
    "FILE_UNSIGNED",
  ]);
});

test("a referrer that is listed, and about something else, is no signature of the model", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  const others = [{ content: "evil", title: "weights.bin" }];
  await pushModel(registry.host, { layers: others, tag: "evil" });
  assertStatus(await desk.run(signing(at(registry, ":evil"))), 0, "sign");
  // The list of the other model's signatures, under the name of this one's.
  const evil = `sha256:${sha256(encode(manifestOf(others, CONFIG)))}`;
  const index = await fetch(
    `http://${registry.host}/v2/${REPOSITORY}/manifests/${evil.replace(":", "-")}`,
  );
  await registry.put(
    REPOSITORY,
    digest.replace(":", "-"),
    index.headers.get("content-type")!,
    new Uint8Array(await index.arrayBuffer()),
  );
  assertRejected(await desk.run(verifying(at(registry))), ["BUNDLE_MALFORMED"]);
});

test("an attestation of another kind by the same key is no signature of the model", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const keys = await otherKey(desk);
  const digest = await pushModel(registry.host, { layers: LAYERS });
  const attestation = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ digest: { sha256: digest.slice(7) } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
  };
  await pushReferrer(
    registry.host,
    { digest, manifest: manifestOf(LAYERS, CONFIG) },
    attachedLayers([encode(signedBundle(encode(attestation), keys))]),
  );
  const outcome = await desk.run(verifying(at(registry)).with(4, "other.pub"));
  assertRejected(outcome, ["PREDICATE_TYPE"]);
});

test("attach keeps a signature file beside the model, where verify and discover find it", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  await writeFolder(desk, "folder", { "weights.bin": "other", "tokenizer/vocab.txt": "tokens" });
  assertStatus(await desk.run(signing("folder", "--signature", "misfit.sig")), 0, "sign folder");
  assertFault(
    await desk.run(["attach", at(registry), "--signature", "misfit.sig"]),
    3,
    "BUNDLE_REFUSED",
  );
  assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
  const attached = await desk.run(["attach", at(registry), "--signature", "m.sig"]);
  assertStatus(attached, 0, "attach");
  assert.ok(attached.stdout.includes(`${at(registry, "")}@${digest}`), attached.stdout);
  const reference = /^Attached +(\S+)$/m.exec(attached.stdout)![1]!;

  const { signature } = reportOf(await desk.run(verifying(at(registry))));
  assert.equal(signature, reference);
  const found = await desk.run([
    ...["discover", at(registry), "--format", "json", "--output", "found"],
  ]);
  assertStatus(found, 0, "discover");
  const { model, signatures } = JSON.parse(found.stdout);
  assert.equal(model, `${at(registry, "")}@${digest}`);
  assert.deepEqual(signatures.map((each: Loose) => [each.reference, each.method]), [
    [reference, "key"],
  ]);
  const [file] = await readdir(join(desk.path, "found"));
  assert.deepEqual(
    await readFile(join(desk.path, "found", file!)),
    await readFile(join(desk.path, "m.sig")),
  );
  const text = await desk.run(["discover", at(registry)]);
  assertStatus(text, 0, "discover");
  assert.ok(text.stdout.includes(reference), text.stdout);
});

test("a signature in the Go tool's form is attached and verified in a registry", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const keys = await otherKey(desk);
  await pushModel(registry.host, { layers: LAYERS });
  await desk.write({ "go.sig": goBundle(keys, LAYERS) });
  assertStatus(await desk.run(["attach", at(registry), "--signature", "go.sig"]), 0, "attach");
  const outcome = await desk.run(verifying(at(registry)).with(4, "other.pub"));
  assertStatus(outcome, 0, "verify");
  const { checks } = reportOf(outcome);
  const bound = checks.find(({ id }: Loose) => id === "annotations");
  assert.equal(bound.status, "skipped");
});

test("what is attached has cosign's form", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const digest = await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  const list = await fetch(`http://${registry.host}/v2/${REPOSITORY}/referrers/${digest}`);
  const { manifests: [listed] } = await list.json();
  assert.equal(listed.artifactType, BUNDLE_TYPE);
  const manifest = await (await fetch(
    `http://${registry.host}/v2/${REPOSITORY}/manifests/${listed.digest}`,
  )).json();
  assert.equal(manifest.artifactType, BUNDLE_TYPE);
  assert.equal(manifest.config.mediaType, "application/vnd.oci.empty.v1+json");
  assert.deepEqual(manifest.layers.map(({ mediaType }: Loose) => mediaType), [BUNDLE_TYPE]);
  assert.equal(manifest.subject.digest, digest);
  const {
    "dev.sigstore.bundle.content": content,
    "dev.sigstore.bundle.predicateType": predicateType,
    "org.opencontainers.image.created": created,
  } = manifest.annotations;
  assert.deepEqual([content, predicateType], [
    "dsse-envelope",
    "https://model_signing/signature/v1.0",
  ]);
  assert.match(created, /^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
});
