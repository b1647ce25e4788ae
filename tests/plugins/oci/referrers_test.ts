import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { test } from "node:test";
import { Secret } from "../../../core/secret.ts";
import { attach } from "../../../plugins/oci/attach.ts";
import { passwordCredentials } from "../../../plugins/oci/credentials.ts";
import { digestOf, type OciDigest } from "../../../plugins/oci/digest.ts";
import { OciSignatures } from "../../../plugins/oci/signature_store.ts";
import { PASSWORD, USERNAME } from "../../oci/access.ts";
import { startTestRegistry, type TestRegistry } from "../../support/registry.ts";
import {
  attachedTo,
  attachText,
  codeOf,
  INDEX,
  jsonBytes,
  MANIFEST,
  PREDICATE_TYPE,
  pushModel,
  REPOSITORY,
  storeAt,
  usable,
  utf8,
} from "./_model.ts";

const BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";
const EMPTY = "application/vnd.oci.empty.v1+json";

function fallbackTag(digest: OciDigest): string {
  return digest.replace(":", "-");
}

/** The listings of the referrers API that were asked for. */
async function listings(registry: TestRegistry): Promise<readonly string[]> {
  return (await registry.requests()).filter(({ part }) => part === "referrers").map(({ url }) =>
    url
  );
}

test("attach() writes what cosign 3 writes, and lists it by the API", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  await registry.forget();
  const attached = await attachText(store, manifest, "a bundle");
  const { bytes } = await store.resolve(attached, {});
  assert.deepEqual(JSON.parse(new TextDecoder().decode(bytes)), {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: BUNDLE,
    config: {
      mediaType: EMPTY,
      digest: "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
      size: 2,
    },
    layers: [{ mediaType: BUNDLE, digest: digestOf(utf8("a bundle")), size: 8 }],
    subject: manifest,
    annotations: {
      "dev.sigstore.bundle.content": "dsse-envelope",
      "dev.sigstore.bundle.predicateType": PREDICATE_TYPE,
      "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
    },
  });
  const writes = (await registry.requests()).filter(({ method }) =>
    method === "PUT" || method === "POST"
  );
  assert.deepEqual(writes.map(({ part, method }) => `${method} ${part}`), [
    ...["POST uploads", "PUT uploads", "PUT manifests"],
  ]);
  assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
  const [found, ...others] = await Array.fromAsync(store.referrers(manifest.digest, {}));
  assert.deepEqual(others, []);
  assert.equal(found?.digest, attached.digest);
  assert.equal(found?.artifactType, BUNDLE);
});

test("attach() lists it under a tag where the registry has no API", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached = await attachText(store, manifest, "a bundle");
  const again = await attachText(store, manifest, "a bundle");
  assert.deepEqual(again, attached);
  assert.deepEqual(await registry.tags(REPOSITORY), ["v1", fallbackTag(manifest.digest)]);
  const index = await store.resolve({ tag: fallbackTag(manifest.digest) }, {});
  assert.deepEqual(JSON.parse(new TextDecoder().decode(index.bytes)), {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [{
      ...attached,
      artifactType: BUNDLE,
      annotations: {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": PREDICATE_TYPE,
        "org.opencontainers.image.created": "2026-01-02T03:04:05Z",
      },
    }],
  });
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
});

test("attach() keeps what others put into the index, also what is not known here", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const other = { mediaType: MANIFEST, digest: `sha256:${"1".repeat(64)}`, size: 7, data: "AAAA" };
  const index = {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: [other],
    annotations: { a: "b" },
    x: [1],
  };
  await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
  const attached = await attachText(store, manifest, "a bundle");
  const { bytes } = await store.resolve({ tag: fallbackTag(manifest.digest) }, {});
  const written = JSON.parse(new TextDecoder().decode(bytes));
  assert.deepEqual({ ...written, manifests: [written.manifests[0]] }, index);
  assert.equal(written.manifests[1].digest, attached.digest);
});

test("attach() loses nothing when others attach at the same time", async () => {
  for (const conditions of [true, false]) {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi: false, conditions });
    const { manifest } = await pushModel(storeAt(registry.host));
    const attached = await Promise.all(
      Array.from(
        { length: 4 },
        (_, index) => attachText(storeAt(registry.host), manifest, `bundle ${index}`),
      ),
    );
    assert.deepEqual(
      await usable(storeAt(registry.host), manifest.digest),
      attached.map(({ digest }) => digest).sort(),
    );
  }
});

test("attach() tries again when the index was changed since it was read", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  // With the API first, so that only the index is written below.
  const attached = await attachText(store, manifest, "a bundle");
  const tag = fallbackTag(manifest.digest);
  const refuse = async (count?: number) => {
    await registry.forget();
    await registry.behave({ referrersApi: false });
    await registry.fault({
      ...{ part: "index", method: "PUT", kind: "status", status: 412 },
      ...(count === undefined ? {} : { count }),
    });
  };
  await refuse();
  assert.equal(await codeOf(attachText(store, manifest, "a bundle")), "NETWORK_RESPONSE");
  assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
  await refuse(2);
  await attachText(store, manifest, "a bundle");
  assert.deepEqual(await registry.tags(REPOSITORY), ["v1", tag]);
  assert.deepEqual(await usable(storeAt(registry.host), manifest.digest), [attached.digest]);
});

test("attach() notices a client that replaces the index by what it has read before", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false, conditions: false, staleWriter: 50 });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached = await attachText(store, manifest, "a bundle");
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
  const puts = (await registry.requests()).filter(({ part, method }) =>
    part === "index" && method === "PUT"
  );
  assert.equal(puts.length, 2);
});

test("attach() that fails leaves no tag", async () => {
  for (const part of ["uploads", "manifests", "index"] as const) {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi: false });
    const store = storeAt(registry.host);
    const { manifest } = await pushModel(store);
    await registry.fault({ part, method: "PUT", kind: "status", status: 400 });
    assert.equal(await codeOf(attachText(store, manifest, "a bundle")), "NETWORK_STATUS");
    assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
    await registry.forget();
    assert.deepEqual(await attachedTo(store, manifest.digest), []);
  }
});

test("attach() touches no index that is malformed", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { bytes } = await pushModel(store, "others");
  const { manifest } = await pushModel(store);
  const tag = fallbackTag(manifest.digest);
  for (
    const [type, content] of [[MANIFEST, bytes], [INDEX, utf8("{}")], ["text/html", bytes]] as const
  ) {
    await registry.put(REPOSITORY, tag, type, content);
    assert.equal(await codeOf(attachText(store, manifest, "a bundle")), "OCI_MANIFEST");
    assert.equal(await codeOf(attachedTo(store, manifest.digest)), "OCI_MANIFEST");
  }
});

test("attach() makes a list where the registry takes its tag for the digest that it is made of", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest, bytes } = await pushModel(store);
  await registry.put(REPOSITORY, fallbackTag(manifest.digest), MANIFEST, bytes);
  assert.deepEqual(await attachedTo(store, manifest.digest), []);
  const attached = await attachText(store, manifest, "a bundle");
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
});

test("RegistryStore.referrers() takes a list of nothing, written as null", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const index = { schemaVersion: 2, mediaType: INDEX, manifests: null };
  await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
  assert.deepEqual(await attachedTo(store, manifest.digest), []);
  const attached = await attachText(store, manifest, "a bundle");
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
});

test("RegistryStore.referrers() asks nobody else, and reads the list where the API leads elsewhere", async () => {
  await using registry = await startTestRegistry();
  await using other = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached = await attachText(store, manifest, "a bundle");
  for (const status of [302, 303, 307]) {
    for (const location of [`${other.url}/v2/`, "https://elsewhere.example/", "http://["]) {
      await registry.fault({ part: "referrers", kind: "status", status, headers: { location } });
      const found = await usable(storeAt(registry.host), manifest.digest);
      assert.deepEqual(found, [attached.digest], location);
    }
  }
  assert.deepEqual(await other.requests(), []);
});

test("RegistryStore.referrers() gives nothing for a manifest without any", async () => {
  for (const referrersApi of [true, false]) {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi });
    const store = storeAt(registry.host);
    const { manifest } = await pushModel(store);
    for (let count = 0; count < 2; count++) {
      assert.deepEqual(await Array.fromAsync(store.referrers(manifest.digest, {})), []);
    }
    // A registry without the API is asked for it once.
    assert.equal((await listings(registry)).length, referrersApi ? 2 : 1);
  }
});

test("RegistryStore.referrers() reads all pages, each referrer once", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ pageSize: 2 });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached: string[] = [];
  for (let index = 0; index < 5; index++) {
    attached.push((await attachText(store, manifest, `bundle ${index}`)).digest);
  }
  assert.deepEqual(await usable(store, manifest.digest), attached.sort());
  const listed = await Array.fromAsync(store.referrers(manifest.digest, {}, BUNDLE));
  assert.deepEqual(listed.map(({ digest }) => digest).sort(), attached);
  assert.deepEqual(await Array.fromAsync(store.referrers(manifest.digest, {}, "text/spdx")), []);
  assert.equal((await listings(registry)).length, 3 + 3 + 1);
});

test("RegistryStore.referrers() follows no pages in circles, without end, or elsewhere", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ auth: "basic" });
  const credentials = passwordCredentials(USERNAME, new Secret(PASSWORD));
  const store = storeAt(registry.host, { credentials });
  const { manifest } = await pushModel(store);
  const own = `/v2/${REPOSITORY}/referrers/${manifest.digest}`;
  for (
    const nextPage of [
      own,
      `${registry.storage}${own}`,
      "http://[",
      "https://127.0.0.1/v2/",
      "/token",
    ]
  ) {
    await registry.forget();
    await registry.behave({ nextPage });
    const listed = Array.fromAsync(store.referrers(manifest.digest, {}));
    assert.equal(await codeOf(listed), "NETWORK_RESPONSE", nextPage);
    const asked = await registry.requests();
    assert.ok(asked.every(({ origin, part }) => origin === "registry" && part === "referrers"));
    assert.ok(asked.length <= 2);
  }
});

test("RegistryStore.referrers() gives up on a registry that lists too many", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const manifests = Array.from({ length: 1001 }, (_, index) => ({
    mediaType: MANIFEST,
    digest: `sha256:${index.toString(16).padStart(64, "0")}`,
    size: 7,
  }));
  const body = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests });
  await registry.fault({ part: "referrers", kind: "status", status: 200, body });
  assert.equal(await codeOf(Array.fromAsync(store.referrers(manifest.digest, {}))), "OCI_MANIFEST");
});

test("RegistryStore.referrers() ends as the registry's failures say, and takes none for an empty list", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const html = { headers: { "content-type": "text/html" }, body: "<html></html>" };
  for (
    const [fault, code] of [
      [{ kind: "status", status: 500 }, "NETWORK_STATUS"],
      [{ kind: "status", status: 403 }, "OCI_UNAUTHORIZED"],
      [{ kind: "status", status: 200, ...html }, "OCI_MANIFEST"],
      [{ kind: "status", status: 200, body: "{}" }, "OCI_MANIFEST"],
      [{ kind: "status", status: 200, body: "" }, "OCI_MANIFEST"],
      [{ kind: "endless" }, "NETWORK_RESPONSE"],
      [{ kind: "close" }, "NETWORK_UNREACHABLE"],
    ] as const
  ) {
    await registry.forget();
    await registry.fault({ part: "referrers", ...fault });
    const listed = Array.fromAsync(store.referrers(manifest.digest, {}));
    assert.equal(await codeOf(listed), code, JSON.stringify(fault));
  }
});

test("attachedBundles() finds a bundle whose entry in the index has another type, as cosign 3.1 writes it", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const attached = await attachText(store, manifest, "a bundle");
  const index = {
    ...{ schemaVersion: 2, mediaType: INDEX },
    manifests: [{ ...attached, artifactType: EMPTY, annotations: {} }],
  };
  await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
  assert.deepEqual(await usable(store, manifest.digest), [attached.digest]);
  const typed = await Array.fromAsync(store.referrers(manifest.digest, {}, BUNDLE));
  assert.deepEqual(typed.map(({ digest }) => digest), [attached.digest]);
});

test("attachedBundles() leaves out other kinds, and names what is broken without ending", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const other = await pushModel(store, "another model", "v2");
  const layer = (mediaType: string) => [{ mediaType, bytes: utf8("x") }];
  // Other people's: an SBOM, and cosign's signature of an image in the old form.
  await attach(store, manifest, { artifactType: "text/spdx", layers: layer("text/spdx") }, {});
  const simple = "application/vnd.dev.cosign.simplesigning.v1+json";
  await attach(store, manifest, { artifactType: simple, layers: layer(simple) }, {});
  // Ours, but one without artifact type, as an older client wrote it.
  const untyped = await attach(store, manifest, { artifactType: EMPTY, layers: layer(BUNDLE) }, {});
  const good = await attachText(store, manifest, "a bundle");
  // Broken: two layers, no layer, about another model, missing, no manifest.
  const two = await attach(store, manifest, {
    artifactType: BUNDLE,
    layers: [...layer(BUNDLE), ...layer(BUNDLE)],
  }, {});
  const none = await attach(store, manifest, { artifactType: BUNDLE, layers: [] }, {});
  const elsewhere = await attachText(store, other.manifest, "a bundle");
  const broken = utf8("{}");
  const brokenDigest = await registry.put(REPOSITORY, "broken", MANIFEST, broken);
  const missing = `sha256:${"0".repeat(64)}`;
  const tag = fallbackTag(manifest.digest);
  const index = JSON.parse(new TextDecoder().decode((await store.resolve({ tag }, {})).bytes));
  index.manifests.unshift(
    elsewhere,
    { mediaType: MANIFEST, digest: brokenDigest, size: broken.length },
    { mediaType: MANIFEST, digest: missing, size: 3 },
  );
  await registry.put(REPOSITORY, tag, INDEX, jsonBytes(index));
  const found = await attachedTo(store, manifest.digest);
  assert.deepEqual(
    found.map((each) => [each.descriptor.digest, "problem" in each ? each.problem.code : "usable"]),
    [
      [elsewhere.digest, "OCI_MANIFEST"],
      [brokenDigest, "OCI_MANIFEST"],
      [missing, "OCI_NOT_FOUND"],
      [untyped.digest, "usable"],
      [good.digest, "usable"],
      [two.digest, "OCI_MANIFEST"],
      [none.digest, "OCI_MANIFEST"],
    ],
  );
});

test("attachedBundles() believes no size in a list", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const good = await attachText(store, manifest, "a bundle");
  const manifests = [{ ...good, size: 5_000_000 }];
  const index = { schemaVersion: 2, mediaType: INDEX, manifests };
  await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
  assert.deepEqual(await usable(store, manifest.digest), [good.digest]);
});

test("attachedBundles() names referrers that are too large or are none at all", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const good = await attachText(store, manifest, "a bundle");
  const large = jsonBytes({
    ...{ schemaVersion: 2, mediaType: MANIFEST, artifactType: BUNDLE, layers: [] },
    config: { mediaType: EMPTY, digest: `sha256:${"0".repeat(64)}`, size: 2 },
    subject: manifest,
    annotations: { note: "x".repeat(4 * 1024 * 1024) },
  });
  const digest = await registry.put(REPOSITORY, "large", MANIFEST, large);
  for (const size of [large.length, 5]) {
    const manifests = [{ mediaType: MANIFEST, digest, size }, { junk: true }, good];
    const index = { schemaVersion: 2, mediaType: INDEX, manifests };
    await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
    assert.deepEqual(
      (await attachedTo(store, manifest.digest)).map((each) =>
        "problem" in each ? each.problem.code : each.descriptor.digest
      ),
      ["OCI_MANIFEST", good.digest],
    );
  }
});

test("RegistryStore.blob() takes what a storage host has lost for what is not there", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ redirects: true });
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store);
  await registry.fault({ part: "storage", kind: "status", status: 404, body: "<Error/>" });
  assert.equal(await codeOf(store.blob(layer, {})), "OCI_NOT_FOUND");
});

test("requireWritable() and prepare() tell who may not push, and store nothing", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const signatures = new OciSignatures(store, manifest);
  await registry.forget();
  await signatures.prepare({});
  const requests = (await registry.requests()).filter(({ method }) => method !== "GET");
  assert.deepEqual(requests.map(({ method }) => method), ["POST", "DELETE"]);
  await registry.fault({ part: "uploads", method: "DELETE", kind: "status", status: 405 });
  await signatures.prepare({});
  await registry.fault({ part: "uploads", method: "POST", kind: "status", status: 403 });
  assert.equal(await codeOf(signatures.prepare({})), "OCI_UNAUTHORIZED");
});

test("requireWritable() deletes nothing but an upload of its repository", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const places = [
    `/v2/${REPOSITORY}/manifests/${manifest.digest}`,
    "/v2/somebody/else/blobs/uploads/1",
    `/v2/${REPOSITORY}/blobs/uploads/../../manifests/${manifest.digest}`,
  ];
  let connections = 0;
  const other = createServer((socket) => {
    connections++;
    socket.destroy();
  }).listen(0, "127.0.0.1");
  await once(other, "listening");
  const { port } = other.address() as AddressInfo;
  places.push(`https://127.0.0.1:${port}/v2/${REPOSITORY}/blobs/uploads/1`);
  for (const location of places) {
    await registry.forget();
    const answer = { status: 202, headers: { location } };
    await registry.fault({ part: "uploads", method: "POST", kind: "status", ...answer });
    await store.requireWritable({});
    assert.deepEqual((await registry.requests()).map(({ method }) => method), ["POST"], location);
  }
  other.close();
  assert.equal(connections, 0);
});

test("attach() adds none that nobody would find", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const entry = (at: number) => ({
    mediaType: MANIFEST,
    digest: `sha256:${at.toString(16).padStart(64, "0")}`,
    size: 3,
  });
  const list = async (length: number) => {
    const manifests = Array.from({ length }, (_, at) => entry(at));
    const index = { schemaVersion: 2, mediaType: INDEX, manifests };
    await registry.put(REPOSITORY, fallbackTag(manifest.digest), INDEX, jsonBytes(index));
  };
  const signatures = new OciSignatures(store, manifest);
  await list(999);
  await signatures.prepare({});
  await list(1000);
  assert.equal(await codeOf(signatures.prepare({})), "OCI_MANIFEST");
});

test("attachedBundles() ends with an outage, which is no finding about a referrer", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  await attachText(store, manifest, "a bundle");
  await registry.fault({ part: "manifests", kind: "status", status: 400 });
  assert.equal(await codeOf(attachedTo(store, manifest.digest)), "NETWORK_STATUS");
});
