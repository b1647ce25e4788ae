import assert from "node:assert/strict";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { kill } from "../support/cli.ts";
import {
  fetchedBlobs,
  FOLDER,
  LAYERS,
  ociDesk,
  signing,
  verifying,
  writeFolder,
} from "../support/oci_cli.ts";
import { writeLayout } from "../support/oci_layout.ts";
import { CONFIG, pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus } from "../support/outcome.ts";
import { startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { reportOf } from "../support/report.ts";
import type { Desk } from "../support/sigstore_cli.ts";
import { snapshot } from "../support/snapshot.ts";

function at(registry: TestRegistry): string {
  return `oci://${registry.host}/${REPOSITORY}:v1`;
}

/** A registry with a signed model, whose requests are forgotten. */
async function signedRegistry(desk: Desk): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  await registry.forget();
  return registry;
}

async function assertPulled({ path }: Desk, folder: string): Promise<void> {
  for (const [name, content] of Object.entries(FOLDER)) {
    assert.equal(await readFile(join(path, folder, name), "utf8"), content);
  }
  const files = Object.entries(snapshot(join(path, folder)))
    .filter(([, kind]) => kind !== "directory").map(([name]) => name);
  assert.deepEqual(files.toSorted(), Object.keys(FOLDER).toSorted());
}

for (const redirects of [false, true]) {
  const where = redirects ? "storage that the registry redirects to" : "a registry";
  test(`verify --pull writes a verified model from ${where}`, async () => {
    await using desk = await ociDesk();
    await using registry = await signedRegistry(desk);
    await registry.behave({ redirects });
    const outcome = await desk.run(verifying(at(registry), "--pull", "pulled"));
    assertStatus(outcome, 0, "pull");
    assert.equal(reportOf(outcome).pulled, "pulled");
    await assertPulled(desk, "pulled");
    // And what was pulled verifies, too.
    assertStatus(
      await desk.run(["discover", at(registry), "--output", "found"]),
      0,
      "discover",
    );
    const [signature] = Object.keys(snapshot(join(desk.path, "found")));
    assertStatus(
      await desk.run(verifying("pulled", "--signature", join("found", signature!))),
      0,
      "verify pulled",
    );
  });
}

test("verify --pull writes a config blob that was signed as a file", async () => {
  await using desk = await ociDesk();
  await using registry = await startTestRegistry();
  const files = { "weights.bin": "weights", "config.json": CONFIG };
  await writeFolder(desk, "mine", files);
  assertStatus(await desk.run(signing("mine", "--signature", "m.sig")), 0, "sign");
  await pushModel(registry.host, { layers: [{ content: "weights", title: "weights.bin" }] });
  const args = verifying(at(registry), "--signature", "m.sig", "--pull");
  assertStatus(await desk.run([...args, "pulled"]), 0, "pull");
  assert.equal(await readFile(join(desk.path, "pulled/config.json"), "utf8"), CONFIG);
  assertStatus(await desk.run(verifying("pulled", "--signature", "m.sig")), 0, "verify pulled");
  // Unless the user says that it was signed as what it is.
  assertStatus(await desk.run([...args, "other", "--source", "oci-manifest"]), 0, "pull");
  assert.deepEqual(Object.keys(snapshot(join(desk.path, "other"))), ["weights.bin"]);
});

test("verify --pull writes a layer whatever the user says that its name stands for", async () => {
  await using desk = await ociDesk();
  await using registry = await startTestRegistry();
  const files = { "weights.bin": "weights", "config.json": "a file of the model" };
  await writeFolder(desk, "mine", { ...files, "oci-config.json": CONFIG });
  assertStatus(await desk.run(signing("mine", "--signature", "m.sig")), 0, "sign");
  const layers = Object.entries(files).map(([title, content]) => ({ title, content }));
  await pushModel(registry.host, { layers });
  const asserted = ["--signature", "m.sig", "--source", "oci-manifest"];
  const outcome = await desk.run(verifying(at(registry), ...asserted, "--pull", "pulled"));
  assertStatus(outcome, 0, "pull");
  assert.deepEqual(snapshot(join(desk.path, "pulled")), snapshot(join(desk.path, "mine")));
});

test("verify --pull tells people where the model is, and works by --deep and by a file, too", async () => {
  await using desk = await ociDesk();
  await using registry = await signedRegistry(desk);
  const args = ["verify", "key", at(registry), "--public-key", "key.pub"];
  const deep = await desk.run([...args, "--deep", "--pull", "deep"]);
  assertStatus(deep, 0, "deep");
  assert.match(deep.stdout, /^Pulled to +deep$/m);
  await assertPulled(desk, "deep");
  assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
  const file = await desk.run([...args, "--signature", "m.sig", "--pull", "file"]);
  assertStatus(file, 0, "file");
  await assertPulled(desk, "file");
});

test("verify --pull writes a verified model from a layout", async () => {
  await using desk = await ociDesk();
  writeLayout(join(desk.path, "layout"), { layers: LAYERS, config: CONFIG });
  assertStatus(await desk.run(signing("oci-layout:layout")), 0, "sign");
  assertStatus(await desk.run(verifying("oci-layout:layout", "--pull", "pulled")), 0, "pull");
  await assertPulled(desk, "pulled");
});

test("verify --pull fetches nothing of a model that is not verified", async () => {
  await using desk = await ociDesk();
  await using registry = await startTestRegistry();
  await pushModel(registry.host, { layers: LAYERS });
  const before = snapshot(desk.path);
  const unsigned = await desk.run(verifying(at(registry), "--pull", "pulled"));
  assertRejected(unsigned, ["SIGNATURE_MISSING"]);
  assert.equal(reportOf(unsigned).pulled, undefined);
  assert.deepEqual(await fetchedBlobs(registry), []);
  assert.deepEqual(snapshot(desk.path), before);
});

test("verify --pull touches nothing that is there already, and fetches no layer for it", async () => {
  await using desk = await ociDesk();
  await using registry = await signedRegistry(desk);
  await mkdir(join(desk.path, "folder"));
  await desk.write({ "file": "mine" });
  await symlink("nowhere", join(desk.path, "link"));
  const before = snapshot(desk.path);
  for (const target of ["folder", "file", "link", "."]) {
    await registry.forget();
    const outcome = await desk.run(verifying(at(registry), "--pull", target));
    assertFault(outcome, 3, "FILE_UNWRITABLE");
    assert.equal(outcome.stdout, "");
    // The bundle.
    assert.equal((await fetchedBlobs(registry)).length, 1);
  }
  const below = await desk.run(verifying(at(registry), "--pull", "file/model"));
  assertFault(below, 3, "FILE_UNWRITABLE");
  const listed = await desk.run(["discover", at(registry), "--output", "file"]);
  assertFault(listed, 3, "FILE_UNWRITABLE");
  assert.match(listed.stderr, /"file": it is a file/);
  assert.deepEqual(snapshot(desk.path), before);
});

test("verify --pull makes the folders above, as discover --output does", async () => {
  await using desk = await ociDesk();
  await using registry = await signedRegistry(desk);
  const pulled = await desk.run(verifying(at(registry), "--pull", "a/new/folder"));
  assertStatus(pulled, 0, "pull");
  await assertPulled(desk, "a/new/folder");
  const found = await desk.run(["discover", at(registry), "--output", "b/new/folder"]);
  assertStatus(found, 0, "discover");
});

test("verify --pull is content with a folder that is this model, and with no other", async () => {
  await using desk = await ociDesk();
  await using registry = await signedRegistry(desk);
  const pulling = verifying(at(registry), "--pull", "pulled");
  assertStatus(await desk.run(pulling), 0, "pull");
  await registry.forget();
  const again = await desk.run(pulling);
  assertStatus(again, 0, "pull again");
  assert.equal(reportOf(again).pulled, "pulled");
  assert.equal((await fetchedBlobs(registry)).length, 1, "the bundle");
  await desk.write({ "pulled/weights.bin": "WEIGHTS" });
  assertFault(await desk.run(pulling), 3, "FILE_UNWRITABLE");
  await writeFolder(desk, "pulled");
  await symlink("weights.bin", join(desk.path, "pulled", "more.bin"));
  assertFault(await desk.run(pulling), 3, "FILE_UNWRITABLE");
});

for (
  const [kind, code] of [
    ["altered", "OCI_DIGEST_MISMATCH"],
    ["longer", "OCI_DIGEST_MISMATCH"],
    ["endless", "OCI_DIGEST_MISMATCH"],
    ["truncated", "NETWORK_RESPONSE"],
    ["status", "NETWORK_STATUS"],
  ] as const
) {
  test(`verify --pull leaves nothing of a model with a layer that comes ${kind}`, async () => {
    await using desk = await ociDesk();
    await using registry = await signedRegistry(desk);
    assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
    const before = snapshot(desk.path);
    await registry.fault({ part: "blobs", kind, method: "GET", status: 500 });
    const pull = ["--signature", "m.sig", "--pull", "a/new/pulled"];
    const outcome = await desk.run(verifying(at(registry), ...pull));
    assertFault(outcome, 3, code);
    assert.equal(outcome.stdout, "");
    assert.deepEqual(snapshot(desk.path), before);
  });
}

test("verify --pull that is interrupted leaves nothing", async () => {
  await using desk = await ociDesk();
  await using registry = await signedRegistry(desk);
  assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
  const before = snapshot(desk.path);
  await registry.fault({ part: "blobs", kind: "stall", method: "GET" });
  const pull = ["--signature", "m.sig", "--pull", "new/pulled", "--log-level", "debug"];
  const outcome = await desk.run(verifying(at(registry), ...pull), {
    step: { after: "verify done", act: kill("SIGINT") },
  });
  assert.notEqual(outcome.status, 0);
  assert.equal(outcome.stdout, "");
  assert.deepEqual(snapshot(desk.path), before);
});

test("verify --pull is for models that are elsewhere", async () => {
  await using desk = await ociDesk();
  await writeFolder(desk, "folder");
  assertStatus(await desk.run(signing("folder")), 0, "sign");
  const args = verifying("folder", "--signature", "model.sig", "--pull", "pulled");
  assertFault(await desk.run(args), 2, "USAGE");
});

test("verify --pull writes archives as they are, and says so", async () => {
  await using desk = await ociDesk();
  await using registry = await startTestRegistry();
  const layers = [
    { content: "weights", title: "weights.bin" },
    { content: "packed", filepath: "code", mediaType: "application/vnd.cncf.model.code.v1.tar" },
  ];
  await pushModel(registry.host, { layers });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  const outcome = await desk.run(verifying(at(registry), "--pull", "pulled"));
  assertStatus(outcome, 0, "pull");
  assert.match(outcome.stderr, /archive/);
  assert.equal(await readFile(join(desk.path, "pulled/code"), "utf8"), "packed");
});

if (process.platform !== "win32" && process.getuid?.() !== 0) {
  test("verify --pull says when it may not write", async () => {
    await using desk = await ociDesk();
    await using registry = await signedRegistry(desk);
    await mkdir(join(desk.path, "locked"), { mode: 0o555 });
    const args = verifying(at(registry), "--pull", "locked/pulled");
    assertFault(await desk.run(args), 3, "FILE_UNWRITABLE");
  });
}
