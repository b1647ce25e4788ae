import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sourceContract } from "../../../core/contract/source.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import type { Observer } from "../../../core/observer.ts";
import { PathFilter } from "../../../core/path_filter.ts";
import type { Report } from "../../../core/report.ts";
import { Secret } from "../../../core/secret.ts";
import { signModel } from "../../../core/sign.ts";
import type { FoundSignature } from "../../../core/source.ts";
import { verifyModel } from "../../../core/verify.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../../plugins/key/mod.ts";
import { openFromSettings } from "../../../plugins/oci/model_settings.ts";
import { type OciModel, openOciModel } from "../../../plugins/oci/open_model.ts";
import { RegistryStore } from "../../../plugins/oci/registry.ts";
import { encode, type Loose, p256, sha256 } from "../../support/bundles.ts";
import { leftOutTest } from "../../support/left_out.ts";
import { INDEX_TYPE, indexOf, manifestOf, type TestLayer } from "../../support/oci_manifests.ts";
import {
  DOCKER_USER,
  hasDockerRegistry,
  startDockerRegistry,
  startTestRegistry,
  type TestRegistry,
} from "../../support/registry.ts";
import { workbench } from "../../support/workbench.ts";
import { pullAll } from "../../support/oci_pull.ts";

const KEYS = p256();
const hasher = hasherFactory();

/** Where the layers that are pulled are hashed and written. */
const PULLING = {
  "in this thread": hasher,
  "in workers": hasherFactory({
    workerUrl: new URL("../../../plugins/hash/worker.ts", import.meta.url),
    workersFrom: 0,
  }),
};
const CONFIG = '{"c":1}';
const LARGE = Buffer.alloc(3_000_000, "0123456789");
const LAYERS: readonly TestLayer[] = [
  { content: "tokens", title: "tokenizer/vocab.txt" },
  { content: LARGE, title: "weights.bin" },
  { content: "", title: "empty" },
];

/** Pushes a model, and gives its digest. */
async function push(
  host: string,
  layers: readonly TestLayer[] = LAYERS,
  tag = "v1",
  manifest: Loose = manifestOf(layers, CONFIG),
): Promise<string> {
  const store = new RegistryStore({ registry: host, repository: "models/m" });
  for (const content of [...layers.map(({ content }) => content), CONFIG]) {
    await store.pushBlob(Buffer.from(content as string), "application/octet-stream", {});
  }
  return (await store.pushManifest(encode(manifest), {}, tag)).digest;
}

async function opened(host: string, settings = {}, reference = ":v1"): Promise<OciModel> {
  return await openFromSettings(`oci://${host}/models/m${reference}`, settings, {});
}

async function sign({ source, signatures }: OciModel): Promise<string> {
  const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS) });
  return await signatures.attach(bytes, {});
}

async function discovered({ signatures }: OciModel): Promise<readonly FoundSignature[]> {
  const found: FoundSignature[] = [];
  for await (const each of signatures.discover({})) found.push(each);
  return found;
}

async function verified(model: OciModel): Promise<Report> {
  const [first] = await discovered(model);
  return await verifyModel({
    bundle: first!.bundle,
    source: model.source,
    hasher,
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
  });
}

/** The bytes of a stream up to its end, or to what is wrong with it. */
async function contentOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  return await new Response(stream).text();
}

test("entries() gives files whose ranges end only when all of it was what the manifest states", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host);
  const { source } = await opened(registry.host, { deep: true });
  const filter = new PathFilter({ ignorePaths: [] });
  for await (const entry of source.entries({ filter, allowSymlinks: false }, {})) {
    if (entry.kind !== "file" || entry.path !== "weights.bin") continue;
    const range = { start: 10, end: 1_000_010 };
    assert.equal(await contentOf(entry.open(range)), LARGE.toString().slice(10, 1_000_010));
    await registry.lie(`sha256:${sha256(LARGE)}`, [
      Buffer.concat([LARGE.subarray(0, -1), Buffer.of(0)]),
    ]);
    for (const part of [range, { start: 0, end: 1 }, { start: 0, end: 0 }, undefined]) {
      await assert.rejects(
        contentOf(entry.open(part)),
        (error) => error instanceof ModelSigningError && error.issues[0]?.code === "ENTRY_DIGEST",
      );
    }
    return;
  }
  assert.fail("weights.bin is not listed");
});

function outcome(report: Report): readonly string[] {
  return report.verdict === "verified"
    ? ["verified"]
    : [report.verdict, ...report.issues.map(({ code }) => code)];
}

async function code(run: Promise<unknown>): Promise<string | undefined> {
  return await run.then(() => undefined, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    return error.code;
  });
}

async function blobRequests(registry: TestRegistry): Promise<readonly string[]> {
  const requests = await registry.requests();
  return requests.filter(({ part, method }) => part === "blobs" && method === "GET")
    .map(({ url }) => url);
}

for (const referrersApi of [true, false]) {
  const what = referrersApi ? "the referrers API" : "the tag fallback";
  test(`a model in a registry with ${what} is signed and verified without fetching a layer`, async () => {
    await using registry = await startTestRegistry();
    await registry.behave({ referrersApi });
    const digest = await push(registry.host);
    await registry.forget();
    const model = await opened(registry.host);
    assert.equal(model.pinned, `oci://${registry.host}/models/m@${digest}`);
    assert.equal(model.source.name, `${registry.host}/models/m`);
    const reference = await sign(model);
    assert.deepEqual(await blobRequests(registry), []);
    const found = await discovered(await opened(registry.host));
    assert.deepEqual(found.map((each) => each.reference), [reference]);
    const report = await verified(await opened(registry.host));
    assert.deepEqual(outcome(report), ["verified"]);
    assert.equal(report.coverage.stated, 4);
    // The bundle itself, fetched twice.
    assert.equal((await blobRequests(registry)).length, 2);
  });
}

test("a model in a registry is hashed when that is asked for", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host);
  await sign(await opened(registry.host));
  const report = await verified(await opened(registry.host, { deep: true }));
  assert.deepEqual(outcome(report), ["verified"]);
  assert.equal(report.coverage.stated, undefined);
  assert.equal(report.coverage.bytes, LARGE.length + 6 + CONFIG.length);
});

for (
  const [kind, expected, pulled] of [
    ["altered", ["rejected", "ENTRY_DIGEST"], "OCI_DIGEST_MISMATCH"],
    ["truncated", ["inconclusive", "ENTRY_UNREADABLE"], "NETWORK_RESPONSE"],
    ["longer", ["rejected", "ENTRY_DIGEST"], "OCI_DIGEST_MISMATCH"],
    ["endless", ["rejected", "ENTRY_DIGEST"], "OCI_DIGEST_MISMATCH"],
  ] as const
) {
  test(`a layer that the registry gives ${kind} is not verified`, async () => {
    await using registry = await startTestRegistry();
    await push(registry.host, [LAYERS[0]!]);
    await sign(await opened(registry.host));
    const model = await opened(registry.host, { deep: true });
    const [found] = await discovered(model);
    await registry.fault({ part: "blobs", kind, method: "GET" });
    const report = await verifyModel({
      bundle: found!.bundle,
      source: model.source,
      hasher,
      verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    });
    assert.deepEqual(outcome(report).slice(0, 2), expected);
  });

  for (const [where, hasher] of Object.entries(PULLING)) {
    test(`a layer that the registry gives ${kind} is not pulled ${where}`, async () => {
      await using registry = await startTestRegistry();
      await using bench = await workbench();
      await push(registry.host);
      const model = await opened(registry.host);
      await registry.fault({ part: "blobs", kind, method: "GET" });
      const before = readdirSync(bench.path);
      const folder = join(bench.path, "pulled");
      assert.equal(await code(pullAll(model, { folder, hasher }, {})), pulled);
      assert.deepEqual(readdirSync(bench.path), before);
    });
  }
}

test("a model that is hashed can be signed in shards, and with other algorithms", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host);
  for (const how of [{ shardSize: 1_000_000 }, { algorithm: "blake2b" }] as const) {
    const { source, signatures } = await opened(registry.host, { deep: true });
    const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS), ...how });
    await signatures.attach(bytes, {});
    assert.deepEqual(outcome(await verified(await opened(registry.host, { deep: true }))), [
      "verified",
    ]);
  }
});

for (const [where, hasher] of Object.entries(PULLING)) {
  test(`a model is pulled from a registry, hashed ${where}`, async () => {
    await using registry = await startTestRegistry();
    await using bench = await workbench();
    await push(registry.host);
    const folder = join(bench.path, "pulled");
    await pullAll(await opened(registry.host), { folder, hasher }, {});
    assert.ok(readFileSync(join(folder, "weights.bin")).equals(LARGE));
    assert.equal(readFileSync(join(folder, "empty")).length, 0);
    assert.deepEqual(readdirSync(folder).sort(), ["empty", "tokenizer", "weights.bin"]);
  });

  test(`a pull that stalls ends with ABORTED, hashed ${where}, and leaves nothing`, async () => {
    await using registry = await startTestRegistry();
    await using bench = await workbench();
    await push(registry.host);
    const model = await opened(registry.host);
    await registry.fault({ part: "blobs", kind: "stall", method: "GET" });
    const before = readdirSync(bench.path);
    const abort = new AbortController();
    const observer: Observer = {
      emit: ({ kind }) => void (kind === "progress" && abort.abort()),
    };
    const folder = join(bench.path, "pulled");
    const run = pullAll(model, { folder, hasher }, { signal: abort.signal, observer });
    assert.equal(await code(run), "ABORTED");
    assert.deepEqual(readdirSync(bench.path), before);
  });
}

test("a tag that moves leads to what it was when the model was opened", async () => {
  await using registry = await startTestRegistry();
  const digest = await push(registry.host);
  await sign(await opened(registry.host));
  const model = await opened(registry.host);
  const moved = await push(registry.host, [{ content: "other", title: "other" }]);
  assert.notEqual(moved, digest);
  assert.deepEqual(outcome(await verified(model)), ["verified"]);
  assert.deepEqual(await discovered(await opened(registry.host)), []);
  const again = await opened(registry.host, {}, `@${digest}`);
  assert.deepEqual(outcome(await verified(again)), ["verified"]);
});

test("a signature of another manifest is rejected, also when it refers to this one", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host);
  const { source } = await opened(registry.host);
  const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS) });
  // The same layers, and other annotations.
  await push(registry.host, LAYERS, "v1", { ...manifestOf(LAYERS), annotations: { a: "b" } });
  const other = await opened(registry.host);
  await other.signatures.attach(bytes, {});
  assert.deepEqual(outcome(await verified(other)), ["rejected", "ANNOTATION_MISMATCH"]);
});

test("an index in a registry needs a platform", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host, LAYERS, "arm64");
  const { descriptor } = await new RegistryStore({
    registry: registry.host,
    repository: "models/m",
  })
    .resolve({ tag: "arm64" }, {});
  const index = indexOf([{ os: "linux", architecture: "amd64" }]);
  index.manifests.push({ ...descriptor, platform: { os: "linux", architecture: "arm64" } });
  await registry.put("models/m", "v1", INDEX_TYPE, encode(index));
  await assert.rejects(opened(registry.host), (error) => {
    assert.ok(error instanceof ModelSigningError && error.code === "OCI_INDEX");
    assert.match(error.message, /linux\/amd64, linux\/arm64/);
    assert.match(error.hint ?? "", /--platform/);
    return true;
  });
  await assert.rejects(openOciModel(`oci://${registry.host}/models/m:v1`), (error) => {
    assert.ok(error instanceof ModelSigningError && error.code === "OCI_INDEX");
    assert.equal(error.hint, undefined);
    return true;
  });
  const { pinned } = await opened(registry.host, { platform: "linux/arm64" });
  assert.ok(pinned.endsWith(`@${descriptor.digest}`));
});

test("a model without layers is refused", async () => {
  await using registry = await startTestRegistry();
  await push(registry.host, []);
  assert.equal(await code(opened(registry.host)), "MODEL_EMPTY");
});

test("a password of the registry needs a user, and a user a password when the registry asks", async () => {
  await using registry = await startTestRegistry();
  const cases = [
    { "registry-password": new Secret("lovelace") },
    { "registry-password-stdin": true },
  ];
  for (const settings of cases) {
    assert.equal(await code(opened(registry.host, settings)), "USAGE");
  }
  assert.deepEqual(await registry.requests(), []);
  await push(registry.host);
  await registry.behave({ auth: "basic" });
  assert.equal(await code(opened(registry.host, { "registry-username": "ada" })), "USAGE");
});

test("a failed attach leaves no signature and no tag", async () => {
  await using registry = await startTestRegistry();
  await registry.behave({ referrersApi: false });
  await push(registry.host);
  const model = await opened(registry.host);
  const { bytes } = await signModel({ ...model, hasher, signer: keySigner(KEYS) });
  await registry.fault({ part: "uploads", kind: "status", status: 403, method: "POST" });
  assert.equal(await code(model.signatures.attach(bytes, {})), "OCI_UNAUTHORIZED");
  await registry.forget();
  assert.deepEqual(await registry.tags("models/m"), ["v1"]);
  assert.equal((await discovered(model)).length, 0);
});

const DEEP = { deep: true };
for (const [index, { name }] of sourceContract(() => Promise.reject()).entries()) {
  test(`hashed model in a registry: ${name}`, async () => {
    await using registry = await startTestRegistry();
    await push(registry.host);
    const make = async () => (await opened(registry.host, DEEP)).source;
    await sourceContract(make)[index]!.run();
  });
}

if (hasDockerRegistry) {
  test("a model in docker-registry is signed, verified and pulled, with a password", async () => {
    await using registry = await startDockerRegistry({ password: true });
    await using bench = await workbench();
    const { username, password } = DOCKER_USER;
    const settings = {
      "registry-username": username,
      "registry-password": new Secret(password),
    };
    const credentials = {
      find: () =>
        Promise.resolve({ kind: "password" as const, username, password: new Secret(password) }),
    };
    const store = new RegistryStore(
      { registry: registry.host, repository: "models/m" },
      { credentials },
    );
    for (const content of [...LAYERS.map(({ content }) => content), CONFIG]) {
      await store.pushBlob(Buffer.from(content as string), "application/octet-stream", {});
    }
    await store.pushManifest(encode(manifestOf(LAYERS, CONFIG)), {}, "v1");
    await sign(await opened(registry.host, settings));
    for (const deep of [false, true]) {
      const report = await verified(await opened(registry.host, { ...settings, deep }));
      assert.deepEqual(outcome(report), ["verified"]);
    }
    const folder = join(bench.path, "pulled");
    await pullAll(await opened(registry.host, settings), { folder, hasher }, {});
    assert.equal(sha256(readFileSync(join(folder, "weights.bin"))), sha256(LARGE));
    assert.equal(
      await code(opened(registry.host, { ...settings, "registry-password": new Secret("wrong") })),
      "OCI_UNAUTHORIZED",
    );
  });
} else {
  leftOutTest("a model in docker-registry is signed, verified and pulled", "no docker-registry");
}
