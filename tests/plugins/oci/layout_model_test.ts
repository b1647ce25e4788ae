import assert from "node:assert/strict";
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { sourceContract } from "../../../core/contract/source.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import { parseBundle } from "../../../core/bundle.ts";
import { hash } from "../../../core/hash.ts";
import { signedPaths } from "../../../core/manifest.ts";
import { signModel } from "../../../core/sign.ts";
import { verifyModel } from "../../../core/verify.ts";
import type { Report } from "../../../core/report.ts";
import type { FoundSignature, SignatureStore } from "../../../core/source.ts";
import { fileSystemSource } from "../../../plugins/fs/mod.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { keySigner, keyVerifier } from "../../../plugins/key/mod.ts";
import { openFromSettings } from "../../../plugins/oci/model_settings.ts";
import type { OciModel } from "../../../plugins/oci/open_model.ts";
import { ociRoles } from "../../../plugins/oci/roles.ts";
import { encode, p256, sha256 } from "../../support/bundles.ts";
import { type LayoutContent, writeLayout } from "../../support/oci_layout.ts";
import { INDEX_TYPE, type TestLayer } from "../../support/oci_manifests.ts";
import { type Workbench, workbench } from "../../support/workbench.ts";
import { pullAll } from "../../support/oci_pull.ts";

const KEYS = p256();
const hasher = hasherFactory();
const LAYERS: readonly TestLayer[] = [
  { content: "weights", title: "weights.bin" },
  { content: "tokens", title: "tokenizer/vocab.txt" },
  { content: "attributes", title: ".gitattributes" },
];

async function withLayout<T>(
  content: Partial<LayoutContent>,
  use: (path: string, bench: Workbench) => Promise<T>,
): Promise<T> {
  await using bench = await workbench();
  const path = join(bench.path, "layout");
  writeLayout(path, { layers: LAYERS, ...content });
  return await use(path, bench);
}

async function opened(path: string, settings = {}): Promise<OciModel> {
  return await openFromSettings(`oci-layout:${path}`, settings, {});
}

/** Signs what is in a layout and keeps the signature there. */
async function signed(path: string): Promise<string> {
  const { source, signatures } = await opened(path);
  const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS) });
  return await signatures.attach(bytes, {});
}

async function discovered(signatures: SignatureStore): Promise<readonly FoundSignature[]> {
  const found: FoundSignature[] = [];
  for await (const each of signatures.discover({})) found.push(each);
  return found;
}

/** Verifies with the first signature that is there. */
async function verified(path: string, settings = {}): Promise<Report> {
  const { source, signatures } = await opened(path, settings);
  const [first] = await discovered(signatures);
  return await verifyModel({
    bundle: first!.bundle,
    source,
    hasher,
    verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    roles: (statement) => ociRoles(statement, false),
  });
}

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

for (const [kind, settings] of [["layout", {}], ["trusted layout", { deep: false }]] as const) {
  for (const [index, { name }] of sourceContract(() => Promise.reject()).entries()) {
    test(`${kind}: ${name}`, async () => {
      await withLayout({}, async (path) => {
        const make = async () => (await opened(path, settings)).source;
        await sourceContract(make)[index]!.run();
      });
    });
  }
}

for (const tag of ["v1", undefined]) {
  const what = tag === undefined ? "without a tag" : "with a tag";
  test(`a layout ${what} is signed, keeps its signature and verifies by it`, async () => {
    await withLayout(tag === undefined ? {} : { tag }, async (path) => {
      const reference = await signed(path);
      const { signatures, source } = await opened(path);
      const found = await discovered(signatures);
      assert.deepEqual(found.map((each) => each.reference), [reference]);
      assert.equal(source.name, "layout");
      const report = await verified(path);
      assert.deepEqual(outcome(report), ["verified"]);
      assert.equal(report.coverage.files, 4);
      assert.equal(report.coverage.stated, undefined);
    });
  });
}

test("a layout has its layers hashed, unless their digests are to be trusted", async () => {
  await withLayout({}, async (path) => {
    await signed(path);
    const blob = join(path, "blobs/sha256", sha256("weights"));
    writeFileSync(blob, "weighty");
    assert.deepEqual(outcome(await verified(path)), ["rejected", "ENTRY_DIGEST"]);
    appendFileSync(blob, "more");
    assert.deepEqual(outcome(await verified(path)), ["rejected", "ENTRY_DIGEST"]);
    rmSync(blob);
    assert.deepEqual(outcome(await verified(path)), ["rejected", "FILE_MISSING"]);
    const trusting = await verified(path, { deep: false });
    assert.deepEqual(outcome(trusting), ["verified"]);
    assert.equal(trusting.coverage.stated, 4);
  });
});

test("a layout with a blob that is not what it is called cannot be signed", async () => {
  await withLayout({}, async (path) => {
    writeFileSync(join(path, "blobs/sha256", sha256("weights")), "weighty");
    assert.equal(await code(signed(path)), "MODEL_REFUSED");
  });
});

test("a layout can be hashed in other ways, and gives its roles to shards", async () => {
  await withLayout({}, async (path, bench) => {
    const model = await opened(path);
    const { source } = model;
    for (const how of [{ algorithm: "blake3" }, { shardSize: 4 }] as const) {
      const signed = await signModel({ source, hasher, signer: keySigner(KEYS), ...how });
      const folder = join(bench.path, Object.keys(how)[0]!);
      await pullAll(model, { folder, hasher }, {});
      const report = await verifyModel({
        bundle: { ok: true, value: signed.bundle },
        source: await fileSystemSource(folder),
        hasher,
        verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
        roles: (statement) => ociRoles(statement, false),
      });
      assert.deepEqual(outcome(report), ["verified"]);
    }
  });
});

test("a layout gives the same manifest of resources, whether its layers are read or not", async () => {
  await withLayout({}, async (path) => {
    const read = await hash({ source: (await opened(path)).source, hasher });
    const trusted = await hash({ source: (await opened(path, { deep: false })).source, hasher });
    assert.deepEqual(read.manifest, trusted.manifest);
  });
});

test("discover() gives what cannot be used as findings, the youngest first", async () => {
  await withLayout({ tag: "v1" }, async (path) => {
    const good = await signed(path);
    const { signatures } = await opened(path);
    const index = JSON.parse(readFileSync(join(path, "index.json"), "utf8"));
    const [model, referrer] = index.manifests;
    const put = (bytes: Uint8Array): string => {
      writeFileSync(join(path, "blobs/sha256", sha256(bytes)), bytes);
      return `sha256:${sha256(bytes)}`;
    };
    const add = (layer: { digest: string; size: number }, created: string): string => {
      const manifest = JSON.parse(
        readFileSync(join(path, "blobs/sha256", referrer.digest.slice(7)), "utf8"),
      );
      Object.assign(manifest.layers[0], layer);
      manifest.annotations["org.opencontainers.image.created"] = created;
      const bytes = encode(manifest);
      const digest = put(bytes);
      index.manifests.push({ ...referrer, digest, size: bytes.length });
      return digest;
    };
    const [broken, other] = [encode("{}"), encode("[]")];
    const [old, youngest, absent] = [
      add({ digest: put(other), size: other.length }, "2001-01-01T00:00:00Z"),
      add({ digest: put(broken), size: broken.length }, "9999-01-01T00:00:00Z"),
      add({ digest: `sha256:${"0".repeat(64)}`, size: 1 }, "yesterday"),
    ];
    // A bundle that many hold is one signature, unless they tell different sizes of it.
    add({ digest: put(broken), size: broken.length }, "2000-01-01T00:00:00Z");
    const lying = add({ digest: put(broken), size: 3 }, "1999-01-01T00:00:00Z");
    writeFileSync(join(path, "index.json"), encode(index));
    assert.equal(model.annotations["org.opencontainers.image.ref.name"], "v1");
    const found = await discovered(signatures);
    assert.deepEqual(found.map(({ reference }) => reference), [youngest, good, old, lying, absent]);
    assert.deepEqual(
      found.map(({ bundle }) => bundle.ok ? "ok" : bundle.issue.code),
      ["BUNDLE_MALFORMED", "ok", "BUNDLE_MALFORMED", "BUNDLE_MALFORMED", "BUNDLE_MALFORMED"],
    );
  });
});

test("attach() refuses what is no signature of a model, and leaves nothing", async () => {
  await withLayout({}, async (path) => {
    const { signatures } = await opened(path);
    assert.equal(await code(signatures.attach(encode("{}"), {})), "BUNDLE_REFUSED");
    assert.deepEqual(await discovered(signatures), []);
  });
});

test("pull() writes the layers as files, without the config blob", async () => {
  await withLayout({}, async (path, bench) => {
    const folder = join(bench.path, "pulled");
    await pullAll(await opened(path), { folder, hasher }, {});
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
    assert.deepEqual(files, [
      ".gitattributes",
      "tokenizer",
      join("tokenizer", "vocab.txt"),
      "weights.bin",
    ]);
    assert.equal(readFileSync(join(folder, "weights.bin"), "utf8"), "weights");
  });
});

test("pull() writes nothing that the signature leaves out, and says so", async () => {
  const files = { "weights.bin": "weights", "config.json": "{}" };
  const titled = (title: string) => ({ content: title, title });
  const hidden = [".git/config", ".gitattributes", "notes/todo"];
  const layers = [{ content: "weights", title: "weights.bin" }, ...hidden.map(titled)];
  await withLayout({ layers, config: "{}" }, async (path, bench) => {
    await bench.write(Object.fromEntries(
      Object.entries(files).map(([name, content]) => [`mine/${name}`, content]),
    ));
    const source = await fileSystemSource(join(bench.path, "mine"), { ignorePaths: ["notes"] });
    const { bytes } = await signModel({ source, hasher, signer: keySigner(KEYS) });
    const bundle = parseBundle(bytes);
    const model = await opened(path);
    const report = await verifyModel({
      bundle,
      source: model.source,
      hasher,
      verifier: keyVerifier({ publicKeys: [KEYS.publicKey] }),
    });
    assert.ok(report.verdict === "verified");
    assert.deepEqual(report.coverage.ignored, [".git", ".gitattributes", "notes"]);
    const warned: unknown[] = [];
    const log = (_: string, message: string, fields?: { readonly path?: string }) => {
      if (message.includes("not signed")) warned.push(fields?.path);
    };
    const folder = join(bench.path, "pulled");
    const signed = signedPaths(report.manifest);
    await model.puller.pull({ folder, hasher, signed }, { logger: { log } });
    // The config blob is a file that was signed.
    assert.deepEqual(readdirSync(folder, { recursive: true }).toSorted(), [
      "config.json",
      "weights.bin",
    ]);
    assert.deepEqual(warned, hidden);
  });
});

test("pull() leaves nothing when anything is wrong", async () => {
  const broken: readonly (readonly [Partial<LayoutContent>, (path: string) => void, string])[] = [
    [{}, (path) => rmSync(join(path, "blobs/sha256", sha256("weights"))), "OCI_NOT_FOUND"],
    [
      {},
      (path) => writeFileSync(join(path, "blobs/sha256", sha256("weights")), "weighty"),
      "OCI_DIGEST_MISMATCH",
    ],
    [
      {},
      (path) => writeFileSync(join(path, "blobs/sha256", sha256("weights")), "weight"),
      "OCI_DIGEST_MISMATCH",
    ],
    [{ layers: [...LAYERS, { content: "x", title: "../x" }] }, () => {}, "MODEL_REFUSED"],
    [{ layers: [...LAYERS, { content: "x", title: "weights.bin" }] }, () => {}, "MODEL_REFUSED"],
    [
      { layers: [...LAYERS, { content: "x", title: "weights.bin/x" }] },
      () => {},
      "FILE_UNWRITABLE",
    ],
  ];
  for (const [content, spoil, expected] of broken) {
    await withLayout(content, async (path, bench) => {
      const model = await opened(path);
      const before = readdirSync(bench.path);
      spoil(path);
      assert.equal(
        await code(pullAll(model, { folder: join(bench.path, "pulled"), hasher }, {})),
        expected,
      );
      assert.deepEqual(readdirSync(bench.path), before);
    });
  }
});

test("pull() does not write where something is", async () => {
  await withLayout({}, async (path, bench) => {
    const model = await opened(path);
    await bench.write({ "file": "mine", "folder/file": "mine" });
    for (const name of ["file", "folder", "file/below"]) {
      assert.equal(
        await code(pullAll(model, { folder: join(bench.path, name), hasher }, {})),
        "FILE_UNWRITABLE",
      );
    }
    for (const name of ["file", "folder/file"]) {
      assert.equal(readFileSync(join(bench.path, name), "utf8"), "mine");
    }
  });
});

test("pull() ends with ABORTED and leaves nothing", async () => {
  await withLayout({}, async (path, bench) => {
    const model = await opened(path);
    const before = readdirSync(bench.path);
    const abort = new AbortController();
    // The first event comes before anything is written.
    const observer = { emit: () => abort.abort() };
    const run = pullAll(model, { folder: join(bench.path, "pulled"), hasher }, {
      signal: abort.signal,
      observer,
    });
    assert.equal(await code(run), "ABORTED");
    assert.deepEqual(readdirSync(bench.path), before);
  });
});

test("pull() warns of archives, which it leaves packed", async () => {
  const layers = [...LAYERS, { content: "packed" }];
  await withLayout({ layers }, async (path, bench) => {
    const warned: unknown[] = [];
    const log = (level: string, _: string, fields?: unknown) => {
      if (level === "warn") warned.push(fields);
    };
    const folder = join(bench.path, "pulled");
    await pullAll(await opened(path), { folder, hasher }, { logger: { log } });
    assert.deepEqual(warned, [{ path: "layer_003.tar.gz" }]);
    assert.equal(readFileSync(join(folder, "layer_003.tar.gz"), "utf8"), "packed");
  });
});

test("a layout's index is followed to one platform, and only when that is named", async () => {
  await withLayout({ tag: "v1" }, async (path) => {
    const index = JSON.parse(readFileSync(join(path, "index.json"), "utf8"));
    const [model] = index.manifests;
    const nested = encode({
      schemaVersion: 2,
      mediaType: INDEX_TYPE,
      manifests: [
        { ...model, annotations: undefined, platform: { os: "linux", architecture: "arm64" } },
        {
          ...model,
          digest: `sha256:${"0".repeat(64)}`,
          platform: { os: "linux", architecture: "arm64", variant: "v8" },
        },
      ],
    });
    writeFileSync(join(path, "blobs/sha256", sha256(nested)), nested);
    index.manifests = [{
      mediaType: INDEX_TYPE,
      digest: `sha256:${sha256(nested)}`,
      size: nested.length,
    }];
    writeFileSync(join(path, "index.json"), encode(index));
    assert.equal(await code(opened(path)), "OCI_INDEX");
    assert.equal(await code(opened(path, { platform: "linux/amd64" })), "OCI_INDEX");
    assert.equal(await code(opened(path, { platform: "linux" })), "USAGE");
    assert.equal(await code(opened(path, { platform: "linux/arm64/v8" })), "OCI_NOT_FOUND");
    const { pinned } = await opened(path, { platform: "linux/arm64" });
    assert.equal(pinned, `oci-layout:${path}@${model.digest}`);
  });
});
