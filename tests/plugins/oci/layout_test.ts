import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import type { OciDigest } from "../../../plugins/oci/digest.ts";
import { LayoutStore } from "../../../plugins/oci/layout.ts";
import { sha256 } from "../../support/bundles.ts";
import { newLayout, type TestLayout } from "./_layout.ts";
import {
  attachedTo,
  attachText,
  codeOf,
  INDEX,
  jsonBytes,
  MANIFEST,
  pushModel,
  textIn,
  usable,
  utf8,
} from "./_model.ts";

function blobPath({ path }: TestLayout, digest: string): string {
  return join(path, "blobs", ...digest.split(":"));
}

function index({ path }: TestLayout): { manifests: Record<string, unknown>[] } {
  return JSON.parse(readFileSync(join(path, "index.json"), "utf8"));
}

test("LayoutStore resolves a tag, a digest, and the only manifest", async () => {
  await using layout = await newLayout();
  const { store } = layout;
  const { manifest, layer } = await pushModel(store);
  for (const target of [{ tag: "v1" }, { digest: manifest.digest }, {}]) {
    const resolved = await store.resolve(target, {});
    assert.deepEqual(resolved.descriptor, manifest);
    assert.deepEqual(resolved.manifest.kind === "manifest" && resolved.manifest.layers, [layer]);
  }
  assert.equal(await textIn(await store.blob(layer, {})), "the weights");
  // A signature beside the model does not make it unclear which is meant.
  await attachText(store, manifest, "a bundle");
  assert.deepEqual((await store.resolve({}, {})).descriptor, manifest);
  await pushModel(store, "others", "v2");
  assert.equal(await codeOf(store.resolve({}, {})), "OCI_MANIFEST");
});

test("LayoutStore.resolve() throws OCI_NOT_FOUND for what is not there", async () => {
  await using layout = await newLayout();
  const { store, folder } = layout;
  assert.equal(await codeOf(store.resolve({}, {})), "OCI_NOT_FOUND");
  const { manifest } = await pushModel(store);
  assert.equal(await codeOf(store.resolve({ tag: "v2" }, {})), "OCI_NOT_FOUND");
  const digest: OciDigest = `sha256:${"0".repeat(64)}`;
  assert.equal(await codeOf(store.resolve({ digest }, {})), "OCI_NOT_FOUND");
  assert.equal(await codeOf(store.blob({ ...manifest, digest }, {})), "OCI_NOT_FOUND");
  for (const path of [folder, join(folder, "none"), join(layout.path, "oci-layout")]) {
    assert.equal(await codeOf(new LayoutStore(path).resolve({}, {})), "OCI_NOT_FOUND");
    const push = new LayoutStore(path).pushBlob(utf8("x"), "text/plain", {});
    assert.equal(await codeOf(push), "OCI_NOT_FOUND");
  }
});

test("LayoutStore.pushManifest() moves a tag", async () => {
  await using layout = await newLayout();
  const { store } = layout;
  const one = await pushModel(store, "one");
  const two = await pushModel(store, "two");
  await pushModel(store, "two");
  assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, two.manifest);
  assert.deepEqual(
    index(layout).manifests.map(({ digest, annotations }) => [digest, annotations]),
    [
      [one.manifest.digest, {}],
      [two.manifest.digest, { "org.opencontainers.image.ref.name": "v1" }],
    ],
  );
});

test("attach() makes a bundle a referrer in a layout, without a tag", async () => {
  await using layout = await newLayout();
  const { store, path } = layout;
  const { manifest } = await pushModel(store);
  const attached = await Promise.all(
    ["one", "two", "three"].map((text) => attachText(store, manifest, text)),
  );
  const digests = attached.map(({ digest }) => digest).sort();
  assert.deepEqual(await usable(store, manifest.digest), digests);
  await attachText(store, manifest, "one");
  assert.deepEqual(await usable(store, manifest.digest), digests);
  const tags = index(layout).manifests.map(({ annotations }) =>
    (annotations as Record<string, string>)?.["org.opencontainers.image.ref.name"]
  );
  assert.deepEqual(tags.filter((tag) => tag !== undefined), ["v1"]);
  assert.deepEqual(readdirSync(path).sort(), ["blobs", "index.json", "oci-layout"]);
});

test("LayoutStore.pushManifest() makes no tag of an annotation in the manifest", async () => {
  await using layout = await newLayout();
  const { store } = layout;
  const { manifest, bytes } = await pushModel(store);
  const annotations = { "org.opencontainers.image.ref.name": "v1" };
  const json = JSON.parse(new TextDecoder().decode(bytes));
  await store.pushManifest(jsonBytes({ ...json, subject: manifest, annotations }), {});
  assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, manifest);
});

test("LayoutStore.referrers() reads a fallback index that was copied into the layout", async () => {
  await using layout = await newLayout();
  const { store } = layout;
  const { manifest } = await pushModel(store);
  const attached = await attachText(store, manifest, "a bundle");
  // What somebody else put there keeps nobody from the rest.
  const manifests = [null, { ...attached, digest: "sha256:0" }, attached];
  const fallback = jsonBytes({ schemaVersion: 2, mediaType: INDEX, manifests });
  const annotations = {
    "org.opencontainers.image.ref.name": manifest.digest.replace(":", "-"),
  };
  const copied = { ...await store.pushBlob(fallback, INDEX, {}), annotations };
  const others = index(layout).manifests.filter(({ digest }) => digest !== attached.digest);
  await writeFile(
    join(layout.path, "index.json"),
    JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: [...others, copied] }),
  );
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
  assert.deepEqual((await store.resolve({}, {})).descriptor, manifest);
});

test("LayoutStore refuses content that is not what it should be", async () => {
  await using layout = await newLayout();
  const { store } = layout;
  const { manifest, layer } = await pushModel(store, "x".repeat(600_000));
  const read = async () => await textIn(await store.blob(layer, {}));
  const path = blobPath(layout, layer.digest);
  const weights = await readFile(path);
  await appendFile(path, "x");
  assert.equal(await codeOf(read()), "OCI_DIGEST_MISMATCH");
  await writeFile(path, weights.subarray(1));
  assert.equal(await codeOf(read()), "OCI_DIGEST_MISMATCH");
  weights[0]! ^= 1;
  await writeFile(path, weights);
  assert.equal(await codeOf(read()), "OCI_DIGEST_MISMATCH");
  await appendFile(blobPath(layout, manifest.digest), " ");
  for (const target of [{}, { tag: "v1" }, { digest: manifest.digest }]) {
    assert.equal(await codeOf(store.resolve(target, {})), "OCI_DIGEST_MISMATCH");
  }
  await writeFile(blobPath(layout, manifest.digest), " ".repeat(4 * 1024 * 1024 + 1));
  assert.equal(await codeOf(store.resolve({}, {})), "OCI_MANIFEST");
});

test("LayoutStore refuses a layout that is malformed, and changes nothing in it", async () => {
  const files: readonly (readonly [string, string])[] = [
    ...[["oci-layout", '{"imageLayoutVersion": "2.0.0"}'], ["oci-layout", "{}"], [
      "oci-layout",
      "",
    ]],
    ...[["index.json", "{}"], ["index.json", "[]"], ["index.json", "\0"]],
    ["index.json", JSON.stringify({ schemaVersion: 2, mediaType: MANIFEST, layers: [] })],
  ] as never;
  for (const [name, content] of files) {
    await using layout = await newLayout();
    const { manifest } = await pushModel(layout.store);
    await writeFile(join(layout.path, name), content);
    const before = readFileSync(join(layout.path, "index.json"), "utf8");
    assert.equal(await codeOf(layout.store.resolve({}, {})), "OCI_MANIFEST", content);
    assert.equal(await codeOf(attachedTo(layout.store, manifest.digest)), "OCI_MANIFEST", content);
    assert.equal(await codeOf(attachText(layout.store, manifest, "x")), "OCI_MANIFEST", content);
    assert.equal(readFileSync(join(layout.path, "index.json"), "utf8"), before);
  }
});

test("LayoutStore passes over entries that are broken, which others may have put there", async () => {
  await using layout = await newLayout();
  const { manifest } = await pushModel(layout.store);
  const attached = await attachText(layout.store, manifest, "a bundle");
  const index = JSON.parse(readFileSync(join(layout.path, "index.json"), "utf8"));
  const broken = utf8('{"schemaVersion":2,"config":{},"layers":[]}');
  const large = new Uint8Array(4 * 1024 * 1024 + 1);
  const entries: unknown[] = [{ digest: "sha256:../../x" }, null];
  for (const bytes of [broken, large]) {
    const digest = `sha256:${sha256(bytes)}` as const;
    await writeFile(blobPath(layout, digest), bytes);
    entries.push({ mediaType: MANIFEST, digest, size: bytes.length });
  }
  // Other bytes than the digest says.
  const other = `sha256:${"1".repeat(64)}` as const;
  await writeFile(blobPath(layout, other), broken);
  entries.push({ mediaType: MANIFEST, digest: other, size: broken.length });
  index.manifests.unshift(...entries);
  await writeFile(join(layout.path, "index.json"), JSON.stringify(index));
  for (const target of [{}, { tag: "v1" }, { digest: manifest.digest }]) {
    assert.equal((await layout.store.resolve(target, {})).descriptor.digest, manifest.digest);
  }
  assert.deepEqual(await usable(layout.store, manifest.digest), [attached.digest]);
  const second = await attachText(layout.store, manifest, "another");
  assert.deepEqual(
    (await usable(layout.store, manifest.digest)).toSorted(),
    [attached.digest, second.digest].toSorted(),
  );
  // What could not be read is kept.
  const after = JSON.parse(readFileSync(join(layout.path, "index.json"), "utf8"));
  assert.deepEqual(after.manifests.slice(0, entries.length), entries);
  // One that cannot be read may have a tag that no other has.
  assert.equal(await codeOf(layout.store.resolve({ tag: "absent" }, {})), "OCI_MANIFEST");
  // Each of them may be the one that is meant, when none that is readable has a tag.
  const { annotations: _, ...untagged } = index.manifests.at(-2);
  assert.equal(untagged.digest, manifest.digest);
  const missing = { ...untagged, digest: `sha256:${"2".repeat(64)}` };
  for (const entry of [...entries, missing]) {
    for (const others of [[], [untagged], [entry]]) {
      const manifests = [entry, ...others];
      await writeFile(
        join(layout.path, "index.json"),
        JSON.stringify({ ...index, manifests }),
      );
      assert.match(
        await codeOf(layout.store.resolve({}, {})),
        /^OCI_(?:MANIFEST|NOT_FOUND|DIGEST)/,
      );
    }
  }
});

test("LayoutStore waits for another run to let go of the layout, but not for ever", async () => {
  await using layout = await newLayout();
  const { store, path } = layout;
  const { manifest } = await pushModel(store);
  const lock = join(path, ".model-signing.lock");
  await writeFile(lock, "");
  const before = index(layout);
  const attach = (timeout: number) => store.pushManifest(manifestBytes(layout), { timeout }, "v2");
  assert.equal(await codeOf(attach(50)), "FILE_UNWRITABLE");
  assert.deepEqual(index(layout), before);
  const waiting = attach(60_000);
  await rm(lock);
  assert.deepEqual(await waiting, manifest);
});

function manifestBytes(layout: TestLayout): Uint8Array {
  const [{ digest }] = index(layout).manifests as [{ digest: string }];
  return new Uint8Array(readFileSync(blobPath(layout, digest)));
}

if (process.platform !== "win32") {
  test("LayoutStore follows symbolic links within the layout, and none out of it", async () => {
    await using layout = await newLayout();
    const { store, path, folder } = layout;
    const { manifest, layer } = await pushModel(store);
    const blob = blobPath(layout, layer.digest);
    await rename(blob, join(path, "moved"));
    await symlink("../../moved", blob);
    assert.equal(await textIn(await store.blob(layer, {})), "the weights");
    await rename(join(path, "moved"), join(folder, "outside"));
    await rm(blob);
    await symlink("../../../outside", blob);
    assert.equal(await codeOf(store.blob(layer, {})), "FILE_UNREADABLE");
    await rm(blob);
    await symlink(blob, blob);
    assert.equal(await codeOf(store.blob(layer, {})), "FILE_UNREADABLE");
    for (const name of ["index.json", "blobs"]) {
      await rename(join(path, name), join(folder, name));
      await symlink(join(folder, name), join(path, name));
      assert.equal(await codeOf(store.resolve(manifest, {})), "FILE_UNREADABLE", name);
      assert.equal(await codeOf(attachText(store, manifest, "x")), "FILE_UNREADABLE", name);
      await rm(join(path, name));
      await rename(join(folder, name), join(path, name));
    }
    await mkdir(join(folder, "elsewhere"));
    await rm(join(path, "blobs"), { recursive: true });
    await symlink(join(folder, "elsewhere"), join(path, "blobs"));
    assert.equal(await codeOf(attachText(store, manifest, "x")), "FILE_UNREADABLE");
    assert.deepEqual(readdirSync(join(folder, "elsewhere")), []);
  });

  test("LayoutStore waits for no FIFO in the place of a blob", async () => {
    await using layout = await newLayout();
    const { layer } = await pushModel(layout.store);
    await rm(blobPath(layout, layer.digest));
    execFileSync("mkfifo", [blobPath(layout, layer.digest)]);
    assert.equal(await codeOf(layout.store.blob(layer, {})), "FILE_UNREADABLE");
  });
}
