import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { sourceContract } from "../../../core/contract/source.ts";
import { ModelSigningError } from "../../../core/errors.ts";
import { hash } from "../../../core/hash.ts";
import type { ManifestSource } from "../../../core/source.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import {
  isManifestFile,
  manifestFile,
  manifestFileSource,
} from "../../../plugins/oci/manifest_file.ts";
import { encode, type Loose, sha256 } from "../../support/bundles.ts";
import {
  descriptorOf,
  INDEX_TYPE,
  indexOf,
  MANIFEST_TYPE,
  manifestOf,
} from "../../support/oci_manifests.ts";
import { workbench } from "../../support/workbench.ts";

const MANIFEST = manifestOf([
  { content: "weights", title: "weights.bin" },
  { content: "a", title: "sub/deep/a" },
  { content: "b", title: "sub/b" },
  { content: "attributes", title: ".gitattributes" },
  { content: "unnamed" },
  { content: "con", title: "con" },
]);
const PLATFORMS = [{ os: "linux", architecture: "amd64" }, { os: "linux", architecture: "arm64" }];

/** Does something with a manifest that lies in a file. */
async function inFile<T>(content: Loose, use: (path: string) => Promise<T>): Promise<T> {
  await using bench = await workbench();
  await bench.write({ "manifest.json": content instanceof Uint8Array ? content : encode(content) });
  return await use(join(bench.path, "manifest.json"));
}

async function opened(path: string, settings = {}): Promise<ManifestSource> {
  return (await manifestFile.open(path, settings, {})).source;
}

async function code(run: Promise<unknown>): Promise<string | undefined> {
  return await run.then(() => undefined, (error) => {
    assert.ok(error instanceof ModelSigningError, String(error));
    return error.code;
  });
}

const { mediaType: _, ...UNTYPED } = MANIFEST;

const RECOGNIZED: Readonly<Record<string, Loose>> = {
  "an OCI manifest": MANIFEST,
  "a manifest without a media type": UNTYPED,
  "a Docker manifest": {
    ...MANIFEST,
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
  },
  "a manifest without layers": { ...UNTYPED, layers: [] },
  "a manifest with members that are not known": { ...MANIFEST, more: { anything: [1] } },
  "an index": indexOf(PLATFORMS),
  "what says that it is a manifest, and has a bad digest": {
    ...MANIFEST,
    config: { ...MANIFEST.config, digest: "sha256:12" },
  },
  "what says that it is an index, and has no manifests": {
    schemaVersion: 2,
    mediaType: INDEX_TYPE,
  },
};

const ORDINARY: Readonly<Record<string, Loose>> = {
  "no JSON": Buffer.from("weights"),
  "an empty file": Buffer.from(""),
  "a list": [MANIFEST],
  "JSON with a schemaVersion": { schemaVersion: 2, name: "model" },
  "an SBOM with a schemaVersion": { schemaVersion: 2, config: {}, layers: [{ name: "torch" }] },
  "schemaVersion 1": { ...UNTYPED, schemaVersion: 1 },
  "schemaVersion as a text": { ...UNTYPED, schemaVersion: "2" },
  "layers without sizes": { ...UNTYPED, layers: [{ ...MANIFEST.layers[0], size: undefined }] },
  "no config": { ...UNTYPED, config: undefined },
  "a digest of another length": {
    ...UNTYPED,
    layers: [{ ...MANIFEST.layers[0], digest: "sha256:00" }],
  },
  "a member twice": Buffer.from(`{"schemaVersion":2,"schemaVersion":2}`),
  "another media type": { ...UNTYPED, mediaType: "application/vnd.cyclonedx+json" },
  "a manifest and an index at once": { ...UNTYPED, manifests: [] },
  "a manifest of more than 4 MiB": Buffer.concat([
    encode(UNTYPED),
    Buffer.alloc(4 * 1024 * 1024, " "),
  ]),
};

for (const [what, content] of Object.entries(RECOGNIZED)) {
  test(`isManifestFile() recognizes ${what}`, async () => {
    assert.equal(await inFile(content, isManifestFile), true);
  });
}

test("isManifestFile() does not take for a manifest what does not say so and has other members", async () => {
  const content = { ...UNTYPED, tokenizer: {} };
  assert.equal(await inFile(content, isManifestFile), false);
  // Who says that it is one is believed.
  assert.equal(await code(inFile(content, opened)), undefined);
});

for (const [what, content] of Object.entries(ORDINARY)) {
  test(`isManifestFile() does not take a file for a manifest: ${what}`, async () => {
    assert.equal(await inFile(content, isManifestFile), false);
  });

  test(`an oci-manifest that is none is refused: ${what}`, async () => {
    assert.equal(await code(inFile(content, opened)), "MODEL_REFUSED");
  });
}

test("isManifestFile() does not take a folder or nothing for a manifest", async () => {
  await using bench = await workbench();
  mkdirSync(join(bench.path, "manifest.json"));
  assert.equal(await isManifestFile(join(bench.path, "manifest.json")), false);
  assert.equal(await isManifestFile(join(bench.path, "absent")), false);
  assert.equal(await code(opened(join(bench.path, "manifest.json"))), "MODEL_REFUSED");
  assert.equal(await code(opened(join(bench.path, "absent"))), "MODEL_NOT_FOUND");
});

if (process.platform !== "win32") {
  test("isManifestFile() does not wait for a FIFO", async () => {
    await using bench = await workbench();
    const fifo = join(bench.path, "fifo");
    execFileSync("mkfifo", [fifo]);
    assert.equal(await isManifestFile(fifo), false);
    assert.equal(await code(opened(fifo)), "MODEL_REFUSED");
  });
}

test("an oci-manifest names the platforms of an index that it cannot follow", async () => {
  const run = inFile(indexOf(PLATFORMS), opened);
  await assert.rejects(run, (error) => {
    assert.ok(error instanceof ModelSigningError && error.code === "OCI_INDEX");
    assert.match(error.message, /linux\/amd64, linux\/arm64/);
    return true;
  });
});

test("the hints of an oci-manifest name options, and those of manifestFileSource() none", async () => {
  const told = async (run: Promise<unknown>) => {
    const error = await run.then(() => undefined, (error) => error);
    assert.ok(error instanceof ModelSigningError, String(error));
    return `${error.message} ${error.hint}`;
  };
  const blake3 = async (source: Promise<ManifestSource>) => {
    await hash({ source: await source, hasher: hasherFactory({ jobs: 1 }), algorithm: "blake3" });
  };
  for (
    const [content, open, hint] of [
      [indexOf(PLATFORMS), (source) => source, /--platform/],
      [ORDINARY["no JSON"], (source) => source, /--source file/],
      [MANIFEST, blake3, /--deep/],
    ] as readonly (readonly [Loose, typeof blake3, RegExp])[]
  ) {
    assert.match(await inFile(content, (path) => told(open(opened(path)))), hint);
    const library = (path: string) => told(open(manifestFileSource(path)));
    assert.doesNotMatch(await inFile(content, library), / --[a-z]/);
  }
});

test("an oci-manifest without layers is refused", async () => {
  assert.equal(await code(inFile({ ...MANIFEST, layers: [] }, opened)), "MODEL_EMPTY");
});

test("an oci-manifest that is malformed is refused", async () => {
  const malformed: readonly Loose[] = [
    RECOGNIZED["what says that it is a manifest, and has a bad digest"],
    { ...MANIFEST, schemaVersion: 1 },
    { ...MANIFEST, mediaType: INDEX_TYPE },
    {
      ...MANIFEST,
      layers: [{ ...MANIFEST.layers[0], digest: "md5:d41d8cd98f00b204e9800998ecf8427e" }],
    },
  ];
  for (const content of malformed) {
    assert.equal(await code(inFile(content, opened)), "MODEL_REFUSED");
  }
});

test("an oci-manifest states its own digest and its kind", async () => {
  const bytes = encode(MANIFEST);
  const source = await inFile(bytes, opened);
  assert.equal(source.name, "manifest.json");
  assert.deepEqual(source.annotations, {
    "dev.model-signing.source": "oci",
    "dev.model-signing.oci.manifest.digest": `sha256:${sha256(bytes)}`,
  });
});

test("an oci-manifest takes ignore paths, and refuses those that no layer can have", async () => {
  const paths = ["sub,weights.bin", "sub"];
  const source = await inFile(MANIFEST, (path) => opened(path, { "ignore-paths": paths }));
  assert.deepEqual(source.ignorePaths, ["sub", "weights.bin"]);
  for (const path of ["/sub", "../sub", "sub/", ""]) {
    const run = inFile(MANIFEST, (file) => opened(file, { "ignore-paths": [path] }));
    assert.equal(await code(run), "USAGE_IGNORE_PATH");
  }
});

for (const [index, { name }] of sourceContract(() => Promise.reject()).entries()) {
  test(`manifest file: ${name}`, async () => {
    await inFile(MANIFEST, async (path) => {
      await sourceContract(() => opened(path))[index]!.run();
    });
  });
}

test("a manifest file with refused layers: entries() gives refused entries with an issue", async () => {
  const manifest = manifestOf([{ content: "a", title: "../a" }, { content: "b", title: "b" }]);
  manifest.layers.push({
    ...descriptorOf("c"),
    digest: `sha512:${"0".repeat(128)}`,
    mediaType: MANIFEST_TYPE,
  });
  await inFile(manifest, async (path) => {
    for (const { run } of sourceContract(() => opened(path))) await run();
  });
});
