import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { readBlob } from "../../../plugins/oci/checked_stream.ts";
import { digestOf } from "../../../plugins/oci/digest.ts";
import type { Fault } from "../../oci/faults.ts";
import { startTestRegistry } from "../../support/registry.ts";
import {
  codeOf,
  faultOf,
  jsonBytes,
  MANIFEST,
  pushModel,
  REPOSITORY,
  storeAt,
  textIn,
  utf8,
} from "./_model.ts";

test("RegistryStore resolves a tag and a digest to the same manifest", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest, layer, bytes } = await pushModel(store);
  for (
    const target of [{ tag: "v1" }, { digest: manifest.digest }, { ...manifest, tag: "other" }]
  ) {
    const resolved = await store.resolve(target, {});
    assert.deepEqual(resolved.descriptor, manifest);
    assert.deepEqual(new Uint8Array(resolved.bytes), bytes);
    assert.deepEqual(resolved.manifest.kind === "manifest" && resolved.manifest.layers, [layer]);
  }
  assert.equal(await textIn(await store.blob(layer, {})), "the weights");
});

test("RegistryStore.resolve() takes a tag that moves with every request for one manifest", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const one = await pushModel(store, "one", "v1");
  const two = await pushModel(store, "two", "v2");
  await registry.move(REPOSITORY, "moving", [one.manifest.digest, two.manifest.digest]);
  await registry.forget();
  const first = await store.resolve({ tag: "moving" }, {});
  assert.deepEqual([first.descriptor, digestOf(first.bytes)], [one.manifest, one.manifest.digest]);
  assert.equal((await registry.requests()).length, 1);
  assert.deepEqual((await store.resolve({ tag: "moving" }, {})).descriptor, two.manifest);
});

test("RegistryStore.pushManifest() moves a tag, and pushBlob() sends what is there only once", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  await pushModel(store, "one");
  const two = await pushModel(store, "two");
  assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, two.manifest);
  await registry.forget();
  await store.pushBlob(utf8("two"), "application/octet-stream", {});
  assert.deepEqual((await registry.requests()).map(({ method }) => method), ["HEAD"]);
});

type Trouble = {
  readonly fault: Omit<Fault, "part">;
  readonly code: ErrorCode;
  /** Requests that arrive, where all runtimes agree. */
  readonly requests?: number;
  readonly options?: RunOptions;
};

const RETRY_NOW = { "retry-after": "0" };
const HTML = { headers: { "content-type": "text/html" }, body: "<html>welcome</html>" };

/** What may happen to any part. */
const TROUBLES: readonly Trouble[] = [
  { fault: { kind: "status", status: 404 }, code: "OCI_NOT_FOUND", requests: 1 },
  { fault: { kind: "status", status: 400 }, code: "NETWORK_STATUS", requests: 1 },
  { fault: { kind: "status", status: 403 }, code: "OCI_UNAUTHORIZED", requests: 1 },
  { fault: { kind: "status", status: 401 }, code: "OCI_UNAUTHORIZED", requests: 1 },
  {
    fault: { kind: "status", status: 429, headers: RETRY_NOW },
    ...{ code: "NETWORK_STATUS", requests: 3 },
  },
  { fault: { kind: "status", status: 503 }, code: "NETWORK_STATUS", requests: 3 },
  {
    fault: { kind: "status", status: 302, headers: { location: "ftp://elsewhere.example/" } },
    ...{ code: "NETWORK_RESPONSE", requests: 1 },
  },
  { fault: { kind: "status", status: 307 }, code: "NETWORK_STATUS", requests: 1 },
  { fault: { kind: "close" }, code: "NETWORK_UNREACHABLE" },
  { fault: { kind: "hang" }, options: { timeout: 200 }, code: "NETWORK_TIMEOUT", requests: 1 },
  { fault: { kind: "stall" }, options: { timeout: 200 }, code: "NETWORK_TIMEOUT", requests: 1 },
];

test("RegistryStore.resolve() ends as the registry's failures say", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest } = await pushModel(store);
  const own: readonly Trouble[] = [
    { fault: { kind: "altered" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "longer" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "wrong-header" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "truncated" }, code: "NETWORK_RESPONSE" },
    { fault: { kind: "endless" }, code: "OCI_MANIFEST", requests: 1 },
  ];
  for (const { fault, code, requests, options = {} } of [...TROUBLES, ...own]) {
    for (const target of [{ tag: "v1" }, { digest: manifest.digest }]) {
      await registry.forget();
      await registry.fault({ part: "manifests", ...fault });
      const what = JSON.stringify(fault);
      assert.equal(await codeOf(store.resolve(target, options)), code, what);
      if (requests !== undefined) assert.equal((await registry.requests()).length, requests, what);
    }
  }
  await registry.forget();
  await registry.fault({ part: "manifests", kind: "status", status: 200, ...HTML });
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "OCI_MANIFEST");
  assert.equal(await codeOf(store.resolve(manifest, {})), "OCI_DIGEST_MISMATCH");
});

test("RegistryStore takes a refused digest of an algorithm that the registry may not know for one that it has not", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  for (const part of ["manifests", "blobs"] as const) {
    await registry.fault({ part, kind: "status", status: 400 });
  }
  const described = { mediaType: MANIFEST, size: 3 };
  const known = { ...described, digest: `sha256:${"0".repeat(64)}` } as const;
  const other = { ...described, digest: `sha512:${"0".repeat(128)}` } as const;
  assert.equal(await codeOf(store.resolve(known, {})), "NETWORK_STATUS");
  assert.equal(await codeOf(store.blob(known, {})), "NETWORK_STATUS");
  assert.equal(await codeOf(store.resolve(other, {})), "OCI_NOT_FOUND");
  assert.equal(await codeOf(store.blob(other, {})), "OCI_NOT_FOUND");
});

test("RegistryStore.blob() ends as the registry's failures say, before the last bytes", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store, "w".repeat(300_000));
  const own: readonly Trouble[] = [
    { fault: { kind: "altered" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "longer" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "endless" }, code: "OCI_DIGEST_MISMATCH", requests: 1 },
    { fault: { kind: "truncated" }, code: "NETWORK_RESPONSE", requests: 1 },
    { fault: { kind: "status", status: 200, body: "short" }, code: "OCI_DIGEST_MISMATCH" },
    { fault: { kind: "status", status: 200, ...HTML }, code: "OCI_DIGEST_MISMATCH" },
  ];
  for (const { fault, code, requests, options = {} } of [...TROUBLES, ...own]) {
    await registry.forget();
    await registry.fault({ part: "blobs", ...fault });
    let received = 0;
    const read = async () => {
      const stream = await store.blob(layer, options);
      for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
        received += chunk.length;
      }
    };
    const what = JSON.stringify(fault);
    assert.equal(await codeOf(read()), code, what);
    assert.ok(received < layer.size, what);
    if (requests !== undefined) assert.equal((await registry.requests()).length, requests, what);
  }
});

test("RegistryStore asks again after an outage, 429 and 5xx", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { manifest, layer } = await pushModel(store);
  for (
    const fault of [
      { kind: "status", status: 502 },
      { kind: "status", status: 429, headers: RETRY_NOW },
      { kind: "close" },
    ] as const
  ) {
    await registry.fault({ part: "manifests", count: 1, ...fault });
    assert.deepEqual((await store.resolve({ tag: "v1" }, {})).descriptor, manifest);
    await registry.fault({ part: "blobs", count: 1, ...fault });
    assert.equal(await textIn(await store.blob(layer, {})), "the weights");
    await registry.fault({ part: "uploads", count: 1, ...fault });
    await registry.fault({ part: "manifests", method: "PUT", count: 1, ...fault });
    await pushModel(store, JSON.stringify(fault), "v2");
  }
});

test("RegistryStore ends with ABORTED, in the middle of a blob too", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store);
  const aborted = AbortSignal.abort();
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, { signal: aborted })), "ABORTED");
  for (const kind of ["hang", "stall"] as const) {
    await registry.forget();
    await registry.fault({ part: "blobs", kind });
    const abort = new AbortController();
    const reading = codeOf(
      store.blob(layer, { signal: abort.signal }).then((stream) => textIn(stream)),
    );
    while ((await registry.requests()).length === 0);
    abort.abort();
    assert.equal(await reading, "ABORTED", kind);
  }
});

test("RegistryStore.blob() lets go of a blob that is cancelled", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store);
  await registry.fault({ part: "blobs", kind: "endless", count: 1 });
  await (await store.blob({ ...layer, size: 2 ** 40 }, {})).cancel();
  assert.equal(await textIn(await store.blob(layer, {})), "the weights");
});

test("readBlob() does not wait for a blob that comes drop by drop", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store, "w".repeat(10_000));
  await registry.fault({ part: "blobs", kind: "drip" });
  const reading = readBlob(store, layer, 10_000, { timeout: 1000 });
  assert.equal(await codeOf(reading), "NETWORK_TIMEOUT");
  await registry.forget();
  assert.equal((await readBlob(store, layer, 10_000, { timeout: 1000 })).length, 10_000);
});

test("readBlob() fetches nothing that is too large", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const { layer } = await pushModel(store);
  await registry.forget();
  assert.equal(await codeOf(readBlob(store, layer, layer.size - 1, {})), "OCI_MANIFEST");
  assert.deepEqual(await registry.requests(), []);
  assert.deepEqual(await readBlob(store, layer, layer.size, {}), utf8("the weights"));
});

test("RegistryStore.resolve() refuses manifests that are malformed, by name", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  const schema1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
  await registry.put(REPOSITORY, "old", schema1, jsonBytes({ schemaVersion: 1 }));
  await registry.put(REPOSITORY, "bad", MANIFEST, jsonBytes({ schemaVersion: 2, layers: [] }));
  await registry.put(REPOSITORY, "two", MANIFEST, jsonBytes({ schemaVersion: 2, manifests: [] }));
  for (const tag of ["old", "bad", "two"]) {
    assert.equal(await codeOf(store.resolve({ tag }, {})), "OCI_MANIFEST", tag);
  }
  assert.ok((await faultOf(store.resolve({ tag: "old" }, {}))).message.includes("manifest.v1"));
});

test("RegistryStore speaks no plain HTTP to other hosts unless asked", async () => {
  await using registry = await startTestRegistry();
  const { port } = new URL(registry.url);
  // Names of this machine that are not known to be.
  for (const host of [`0.0.0.0:${port}`]) {
    assert.equal(await codeOf(storeAt(host).resolve({ tag: "v1" }, {})), "NETWORK_UNREACHABLE");
    const store = storeAt(host, { plainHttp: true });
    assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "OCI_NOT_FOUND");
  }
  assert.equal(
    await codeOf(storeAt(registry.host, { plainHttp: false }).resolve({ tag: "v1" }, {})),
    "NETWORK_UNREACHABLE",
  );
});

test("RegistryStore ends with NETWORK_UNREACHABLE when nobody listens", async () => {
  const store = storeAt("127.0.0.1:9");
  assert.equal(await codeOf(store.resolve({ tag: "v1" }, {})), "NETWORK_UNREACHABLE");
});

test("RegistryStore.pushBlob() sends nothing to an address that is unusable", async () => {
  await using registry = await startTestRegistry();
  const store = storeAt(registry.host);
  for (
    const headers of [
      ...[{}, { location: "http://elsewhere.example/upload" }, { location: "http://[" }],
      { location: "https://ada:secret@elsewhere.example/" },
    ] as Record<string, string>[]
  ) {
    await registry.forget();
    await registry.fault({ part: "uploads", method: "POST", kind: "status", status: 202, headers });
    const push = store.pushBlob(utf8("x"), "text/plain", {});
    assert.equal(await codeOf(push), "NETWORK_RESPONSE");
    assert.deepEqual((await registry.requests()).map(({ method }) => method), ["HEAD", "POST"]);
  }
});
