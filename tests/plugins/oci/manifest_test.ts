import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import {
  type ImageIndex,
  type OciManifest,
  parseIndex,
  parseManifest,
} from "../../../plugins/oci/manifest.ts";
import { isBundleMediaType } from "../../../plugins/oci/media_types.ts";
import { INDEX, jsonBytes, MANIFEST, utf8 } from "./_model.ts";

const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
const DIGEST = `sha256:${"ab".repeat(32)}`;
const LAYER = { mediaType: "application/octet-stream", digest: DIGEST, size: 3 };
const CONFIG = { mediaType: "application/vnd.oci.empty.v1+json", digest: DIGEST, size: 2 };
const GOOD = { schemaVersion: 2, mediaType: MANIFEST, config: CONFIG, layers: [LAYER] };
const GOOD_INDEX = {
  schemaVersion: 2,
  mediaType: INDEX,
  manifests: [{ ...LAYER, mediaType: MANIFEST }],
};

function parse(value: unknown, mediaType?: string): OciManifest {
  return parseManifest(jsonBytes(value), mediaType === undefined ? {} : { mediaType });
}

function assertRefused(bytes: Uint8Array, mediaType?: string): void {
  const text = new TextDecoder().decode(bytes.subarray(0, 300));
  assert.throws(
    () => parseManifest(bytes, mediaType === undefined ? {} : { mediaType }),
    (error) => error instanceof ModelSigningError && error.code === "OCI_MANIFEST",
    text,
  );
}

test("parseManifest() reads manifests and indexes of OCI and Docker", () => {
  for (const mediaType of [MANIFEST, DOCKER_MANIFEST]) {
    const manifest = parse({ ...GOOD, mediaType }, mediaType);
    assert.ok(manifest.kind === "manifest");
    assert.deepEqual([manifest.mediaType, manifest.layers, manifest.config], [
      mediaType,
      [LAYER],
      CONFIG,
    ]);
  }
  for (const mediaType of [INDEX, DOCKER_INDEX]) {
    const index = parse({ ...GOOD_INDEX, mediaType }, `${mediaType}; charset=utf-8`);
    assert.ok(index.kind === "index");
    assert.deepEqual([index.mediaType, index.manifests.length], [mediaType, 1]);
  }
});

test("parseManifest() reads subject, artifact type, annotations and platforms", () => {
  const annotations = { "org.opencontainers.image.title": "config.json" };
  const platform = { os: "linux", architecture: "arm64", variant: "v8" };
  const described = { ...LAYER, annotations, platform };
  const manifest = parse({
    ...{ ...GOOD, artifactType: "application/x", subject: LAYER, annotations },
    layers: [{ ...described, urls: ["https://elsewhere.example"], data: "AAAA" }],
  });
  // Through JSON: annotations are objects that inherit nothing.
  assert.deepEqual(JSON.parse(JSON.stringify(manifest)), {
    ...{ kind: "manifest", mediaType: MANIFEST, config: CONFIG, layers: [described] },
    ...{ artifactType: "application/x", subject: LAYER, annotations },
  });
});

test("parseManifest() tells by its members what states no media type", () => {
  const { mediaType: _, ...manifest } = GOOD;
  const { mediaType: __, ...index } = GOOD_INDEX;
  for (const served of [undefined, "application/json", "text/plain; charset=utf-8"]) {
    assert.equal(parse(manifest, served).mediaType, MANIFEST);
    assert.equal(parse(index, served).mediaType, INDEX);
  }
  assert.equal(parse(manifest, DOCKER_MANIFEST).mediaType, DOCKER_MANIFEST);
});

test("parseManifest() takes a manifest without layers, and null where Go writes it", () => {
  const manifest = parse({ ...GOOD, layers: [], annotations: null, subject: null });
  assert.ok(manifest.kind === "manifest" && manifest.layers.length === 0);
});

test("parseManifest() refuses documents that can be read in two ways", () => {
  assertRefused(jsonBytes({ ...GOOD, manifests: [] }));
  assertRefused(jsonBytes({ ...GOOD_INDEX, layers: [] }));
  assertRefused(jsonBytes({ ...GOOD_INDEX, config: CONFIG }));
  assertRefused(jsonBytes(GOOD), INDEX);
  assertRefused(jsonBytes(GOOD), DOCKER_MANIFEST);
  assertRefused(utf8(JSON.stringify(GOOD).replace("{", '{"schemaVersion":2,')));
});

test("parseManifest() refuses media types that it does not know", () => {
  assertRefused(jsonBytes(GOOD), "text/html");
  assertRefused(jsonBytes(GOOD), "application/vnd.docker.distribution.manifest.v1+prettyjws");
  assertRefused(jsonBytes({ ...GOOD, mediaType: "application/vnd.oci.artifact.manifest.v1+json" }));
  assertRefused(jsonBytes({ ...GOOD, mediaType: 7 }));
});

test("parseManifest() refuses what is malformed", () => {
  const layer = (change: object) => ({ ...GOOD, layers: [{ ...LAYER, ...change }] });
  const bad: readonly unknown[] = [
    ...[[], "text", null, {}, { ...GOOD, schemaVersion: 1 }, { ...GOOD, schemaVersion: "2" }],
    ...[{ ...GOOD, config: undefined }, { ...GOOD, layers: undefined }, { ...GOOD, layers: {} }],
    ...[{ ...GOOD, layers: [null] }, { ...GOOD, annotations: { a: 1 } }, { ...GOOD, subject: 1 }],
    ...[
      layer({ digest: "sha256:12" }),
      layer({ digest: DIGEST.toUpperCase() }),
      layer({ size: -1 }),
    ],
    ...[layer({ digest: `md5:${"0".repeat(32)}` }), layer({ digest: `${DIGEST}00` })],
    ...[layer({ digest: `sha512:${"ab".repeat(32)}` }), layer({ digest: undefined })],
    ...[
      layer({ size: 1.5 }),
      layer({ size: "3" }),
      layer({ size: 2 ** 60 }),
      layer({ size: null }),
    ],
    ...[layer({ mediaType: "" }), layer({ mediaType: "none" }), layer({ mediaType: "a/b\n" })],
    ...[layer({ annotations: [] }), layer({ annotations: { a: "x".repeat(70_000) } })],
    ...[layer({ platform: { os: "linux" } }), layer({ platform: "linux/amd64" })],
  ];
  for (const value of bad) assertRefused(jsonBytes(value));
  assertRefused(utf8("<!DOCTYPE html><html></html>"));
  assertRefused(new Uint8Array([0xff, 0xfe]));
});

test("parseIndex() passes over entries and claims that cannot be read", () => {
  const good = { mediaType: MANIFEST, digest: DIGEST, size: 3 };
  const claims: readonly object[] = [
    { artifactType: "sbom" },
    { artifactType: "application/vnd.example/sbom" },
    { annotations: [] },
    { platform: { os: "", architecture: "" } },
    { platform: 7 },
  ];
  const index = (manifests: readonly unknown[]) =>
    jsonBytes({ schemaVersion: 2, mediaType: INDEX, manifests });
  for (const claim of claims) {
    const bytes = index([{ ...good, ...claim }]);
    assert.deepEqual(parseIndex(bytes, {}), { manifests: [good], problems: [] });
    assert.deepEqual((parseManifest(bytes) as ImageIndex).manifests, [good]);
  }
  const annotations = { note: "x".repeat(70_000), n: 1, kept: "yes" };
  const { manifests } = parseIndex(index([{ ...good, annotations }]), {});
  assert.deepEqual(manifests, [{ ...good, annotations: { kept: "yes" } }]);
  const bad = [null, {}, { ...good, digest: "sha256:12" }, { ...good, size: -1 }, {
    ...good,
    mediaType: "",
  }];
  const found = parseIndex(index([...bad, good]), { name: "the list" });
  assert.deepEqual(found.manifests, [good]);
  assert.deepEqual(found.problems.map(({ code }) => code), bad.map(() => "OCI_MANIFEST"));
  // Whoever looks for a platform must not be given another one.
  for (const entry of bad) assert.throws(() => parseManifest(index([entry, good])));
});

test("parseManifest() refuses what is too large before it reads it", () => {
  assertRefused(utf8(" ".repeat(4 * 1024 * 1024 + 1)));
  assertRefused(jsonBytes({ ...GOOD, layers: Array(20_001).fill(LAYER) }));
  assert.ok(parse({ ...GOOD, layers: Array(20_000).fill(LAYER) }));
});

test("isBundleMediaType() knows both spellings of a bundle's media type", () => {
  const base = "application/vnd.dev.sigstore.bundle";
  for (
    const rest of [".v0.3+json", ".v0.2+json", "+json", "+json;version=0.3", '+json; version="0.1"']
  ) {
    assert.ok(isBundleMediaType(base + rest), rest);
  }
  for (const rest of ["", ".v0.3", ".v1.0+json", "+json;version=1.0", ".v0.3+json.sig"]) {
    assert.ok(!isBundleMediaType(base + rest), rest);
  }
});
