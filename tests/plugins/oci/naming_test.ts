import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManifest } from "../../../plugins/oci/manifest.ts";
import type { ImageManifest } from "../../../plugins/oci/manifest.ts";
import { isArchiveType, nameBlobs } from "../../../plugins/oci/naming.ts";
import { encode, type Loose, sha256 } from "../../support/bundles.ts";
import {
  descriptorOf,
  FILE_PATH,
  manifestOf,
  type TestLayer,
  TITLE,
} from "../../support/oci_manifests.ts";

const CONFIG = '{"c":1}';

/** What becomes of a manifest: names with digests, or with the code that refuses them. */
function named(json: Loose): Readonly<Record<string, string>> {
  const manifest = parseManifest(encode(json)) as ImageManifest;
  return Object.fromEntries(
    nameBlobs(manifest).map((blob) => [
      blob.name,
      "issue" in blob ? blob.issue.code : blob.digest.digest,
    ]),
  );
}

test("nameBlobs() refuses paths of many separators", () => {
  const layers = Array.from({ length: 20 }, (_, index) => ({ content: `${index}` }));
  const manifest = manifestOf(layers, CONFIG);
  for (const [index, layer] of (manifest.layers as Loose[]).entries()) {
    layer.annotations = { [FILE_PATH]: `a${"/".repeat(65_000)}b${index}` };
  }
  assert.equal(Object.values(named(manifest)).filter((code) => code === "ENTRY_NAME").length, 20);
});

test("nameBlobs() refuses what is stated to be empty and to have the digest of something", () => {
  for (const name of ["a", "config.json"]) {
    const manifest = manifestOf([{ content: "x", title: "a" }], CONFIG);
    const descriptor = name === "a" ? (manifest.layers as Loose[])[0]! : manifest.config;
    Object.assign(descriptor, { size: 0 });
    assert.equal(named(manifest)[name], "ENTRY_DIGEST");
  }
  const empty = manifestOf([{ content: "", title: "a" }], CONFIG);
  assert.equal(named(empty)["a"], sha256(""));
});

const TABLE: readonly {
  readonly what: string;
  readonly layers: readonly TestLayer[];
  readonly config?: string;
  readonly expected: Readonly<Record<string, string>>;
}[] = [
  {
    what: "by their titles",
    layers: [{ content: "a", title: "weights.bin" }, { content: "b", title: "sub/b:c" }],
    expected: { "weights.bin": sha256("a"), "sub/b:c": sha256("b"), "config.json": sha256(CONFIG) },
  },
  {
    what: "by their places when they have no title, or an empty one",
    layers: [{ content: "a" }, { content: "b", title: "b" }, { content: "c", title: "" }],
    expected: {
      "layer_000.tar.gz": sha256("a"),
      "b": sha256("b"),
      "layer_002.tar.gz": sha256("c"),
      "config.json": sha256(CONFIG),
    },
  },
  {
    what: "by ModelPack's path when they have no title",
    layers: [
      { content: "a", filepath: "sub/a" },
      { content: "b", filepath: "./b/" },
      { content: "c", filepath: "other", title: "c" },
      { content: "d", filepath: ".", mediaType: "application/vnd.cncf.model.code.v1.tar" },
      { content: "e", filepath: "./", mediaType: "application/vnd.cncf.model.code.v1.tar" },
    ],
    expected: {
      "sub/a": sha256("a"),
      "b": sha256("b"),
      "c": sha256("c"),
      "layer_003.tar.gz": sha256("d"),
      "layer_004.tar.gz": sha256("e"),
      "config.json": sha256(CONFIG),
    },
  },
  {
    what: "once when two have one name and the same bytes",
    layers: [{ content: "a", title: "a" }, { content: "a", title: "a" }],
    expected: { "a": sha256("a"), "config.json": sha256(CONFIG) },
  },
  {
    what: "not at all when two have one name and different bytes",
    layers: [
      { content: "a", title: "a" },
      { content: "b", title: "a" },
      { content: "a", title: "a" },
      { content: "c", title: "c" },
    ],
    expected: { "a": "ENTRY_NAME", "c": sha256("c"), "config.json": sha256(CONFIG) },
  },
  {
    what: "beside a config blob with the same bytes as the layer config.json",
    layers: [{ content: CONFIG, title: "config.json" }],
    expected: { "config.json": sha256(CONFIG) },
  },
  {
    what: "beside a config blob that gives way to the layer config.json",
    layers: [{ content: "a", title: "config.json" }],
    expected: { "config.json": sha256("a"), "oci-config.json": sha256(CONFIG) },
  },
  {
    what: "beside a config blob for which no name is left",
    layers: [{ content: "a", title: "config.json" }, { content: "b", title: "oci-config.json" }],
    expected: { "config.json": sha256("a"), "oci-config.json": "ENTRY_NAME" },
  },
  {
    what: "beside a config blob that gives way to layers that are refused",
    layers: [{ content: "a", title: "config.json" }, { content: "b", title: "config.json" }],
    expected: { "config.json": "ENTRY_NAME", "oci-config.json": sha256(CONFIG) },
  },
  {
    what: "only when the name is safe",
    layers: ["../a", "/a", "a//b", "a/./b", "a/", ".", "a\0b", "\ufffd"].map((title) => ({
      content: title,
      title,
    })),
    expected: {
      "../a": "ENTRY_NAME",
      "/a": "ENTRY_NAME",
      "a//b": "ENTRY_NAME",
      "a/./b": "ENTRY_NAME",
      "a/": "ENTRY_NAME",
      ".": "ENTRY_NAME",
      "a\0b": "ENTRY_NAME",
      "\ufffd": "ENTRY_NAME",
      "config.json": sha256(CONFIG),
    },
  },
  {
    what: "only when ModelPack's path is safe",
    layers: [{ content: "a", filepath: "./../a" }, { content: "b", filepath: "." }],
    expected: { "../a": "ENTRY_NAME", ".": "ENTRY_NAME", "config.json": sha256(CONFIG) },
  },
  {
    what: "only when they have content",
    layers: [
      { content: "{}", title: "a", mediaType: "application/vnd.oci.empty.v1+json" },
      { content: "", title: "empty file" },
    ],
    expected: {
      "a": "ENTRY_NOT_REGULAR",
      "empty file": sha256(""),
      "config.json": sha256(CONFIG),
    },
  },
];

for (const { what, layers, config = CONFIG, expected } of TABLE) {
  test(`nameBlobs() names layers ${what}`, () => {
    assert.deepEqual(named(manifestOf(layers, config)), expected);
  });
}

test("nameBlobs() refuses digests other than SHA-256 by name", () => {
  const manifest = manifestOf([{ content: "a", title: "a" }]);
  manifest.layers[0].digest = `sha512:${"0".repeat(128)}`;
  manifest.config.digest = `sha512:${"1".repeat(128)}`;
  assert.deepEqual(named(manifest), {
    "a": "ENTRY_DIGEST_ALGORITHM",
    "config.json": "ENTRY_DIGEST_ALGORITHM",
  });
});

test("nameBlobs() refuses one digest with two sizes", () => {
  const manifest = manifestOf([{ content: "a", title: "a" }, { content: "a", title: "a" }]);
  manifest.layers[1].size = 2;
  assert.equal(named(manifest)["a"], "ENTRY_NAME");
});

test("nameBlobs() records media type and size, and which blob is the config", () => {
  const manifest = manifestOf([]);
  manifest.layers = [descriptorOf("abc", "application/x-weights", { [TITLE]: "w", other: "x" })];
  const blobs = nameBlobs(parseManifest(encode(manifest)) as ImageManifest);
  assert.deepEqual(blobs.map((blob) => "extra" in blob && blob.extra), [
    { mediaType: "application/x-weights", size: 3 },
    {
      mediaType: "application/vnd.oci.image.config.v1+json",
      size: 7,
      annotations: { "dev.model-signing.oci.role": "config" },
    },
  ]);
});

test("nameBlobs() marks layers that may be unpacked, and not the files that oras calls archives", () => {
  const tar = "application/vnd.oci.image.layer.v1.tar";
  const unpack = "io.deis.oras.content.unpack";
  const manifest = manifestOf([]);
  manifest.layers = [
    descriptorOf("a", tar, { [TITLE]: "file of oras" }),
    descriptorOf("b", `${tar}+gzip`, { [TITLE]: "folder of oras", [unpack]: "true" }),
    descriptorOf("c", tar, { [TITLE]: "unpacked tar", [unpack]: "true" }),
    descriptorOf("d", "application/vnd.cncf.model.weight.v1.tar", { [FILE_PATH]: "ModelPack" }),
    descriptorOf("e", tar, { [FILE_PATH]: "path, no title" }),
    descriptorOf("f", "application/octet-stream"),
    descriptorOf("g", "application/octet-stream", { [TITLE]: "g.tar.gz" }),
    descriptorOf("h", "application/vnd.example.weights", {
      [TITLE]: "typed folder",
      [unpack]: "true",
    }),
    descriptorOf("i", tar, { [TITLE]: "", [FILE_PATH]: "path, empty title" }),
  ];
  const blobs = nameBlobs(parseManifest(encode(manifest)) as ImageManifest);
  const marked = blobs.filter((blob) =>
    "extra" in blob && JSON.stringify(blob.extra).includes('"archive"')
  );
  assert.deepEqual(
    marked.map(({ name }) => name),
    [
      "folder of oras",
      "unpacked tar",
      "ModelPack",
      "path, no title",
      "layer_005.tar.gz",
      "typed folder",
      "path, empty title",
    ],
  );
  assert.deepEqual(marked, blobs.filter((blob) => "isArchive" in blob && blob.isArchive));
});

test("isArchiveType() tells tar archives by their media types", () => {
  const archives = [
    "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.oci.image.layer.v1.tar+gzip",
    "application/vnd.oci.image.layer.v1.tar+zstd",
    "application/vnd.docker.image.rootfs.diff.tar.gzip",
    "application/vnd.kitops.modelkit.model.v1.tar+gzip",
    "application/vnd.cncf.model.weight.v1.tar",
    "application/x-tar",
    "application/tar+gzip",
  ];
  const others = [
    "application/vnd.cncf.model.weight.v1.raw",
    "application/octet-stream",
    "application/vnd.target.v1+json",
    "application/vnd.star",
    "text/starlark",
  ];
  assert.deepEqual(archives.filter((type) => !isArchiveType(type)), []);
  assert.deepEqual(others.filter(isArchiveType), []);
});
