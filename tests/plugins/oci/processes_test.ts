import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Descriptor } from "../../../plugins/oci/descriptor.ts";
import { LayoutStore } from "../../../plugins/oci/layout.ts";
import { startTestRegistry } from "../../support/registry.ts";
import { makeLayout } from "./_layout.ts";
import { pushModel, REPOSITORY, storeAt, usable } from "./_model.ts";

const PROGRAM = fileURLToPath(new URL("_attach_many.ts", import.meta.url));
const RUN = "bun" in process.versions ? [] : ["run", "-A", "--quiet", "--no-check"];

/** Attaches from two processes at the same time, and gives the digests. */
async function attachTwice(reference: string, { digest, size }: Descriptor): Promise<string[]> {
  const outputs = await Promise.all(
    ["one", "two"].map((name) =>
      promisify(execFile)(process.execPath, [
        ...[...RUN, PROGRAM, reference, digest, String(size), name, "5"],
      ])
    ),
  );
  return outputs.flatMap(({ stdout }) => stdout.trim().split("\n")).sort();
}

test("attach() in two processes loses nothing in an index of a registry that minds If-Match", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached = await attachTwice(`oci://${registry.host}/${REPOSITORY}`, manifest);
  assert.equal(attached.length, 10);
  assert.deepEqual(await usable(store, manifest.digest), attached);
});

test("attach() in two processes loses nothing in a layout", async () => {
  const folder = await mkdtemp(join(tmpdir(), "layout-"));
  try {
    await makeLayout(folder);
    const store = new LayoutStore(folder);
    const { manifest } = await pushModel(store);
    const attached = await attachTwice(`oci-layout:${folder}`, manifest);
    assert.equal(attached.length, 10);
    assert.deepEqual(await usable(store, manifest.digest), attached);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
