import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { test } from "node:test";
import {
  type BuiltBinary,
  type LicensedPackage,
  type Release,
  sbom,
} from "../../cli/build/sbom.ts";

const DIGEST = Buffer.alloc(64, 7);

function part(name: string, dependencies: readonly string[] = []): LicensedPackage {
  const integrity = `sha512-${DIGEST.toString("base64")}`;
  return { name, version: "1.0.0", integrity, dependencies, license: "MIT" };
}

const SHARED = [part("parser", ["leaf@1.0.0", "not-bundled@1.0.0"]), part("leaf")];
const BINARIES: readonly BuiltBinary[] = ["linux", "darwin"].map((os) => ({
  file: `tool-${os}`,
  sha256: "ab".repeat(32),
  runtime: part(`@oven/bun-${os}`),
  packages: [...SHARED, { ...part(`@scope/addon-${os}`), license: "MIT OR Apache-2.0" }],
}));
const RELEASE: Release = {
  name: "tool",
  version: "2.0.0",
  license: "Apache-2.0",
  binaries: BINARIES,
  time: 1_000_000_000,
};

test("sbom() names each part once, with its licence and its locked digest", () => {
  const { components, metadata, specVersion } = JSON.parse(sbom(RELEASE));
  assert.equal(specVersion, "1.6");
  assert.equal(metadata.timestamp, "2001-09-09T01:46:40.000Z");
  assert.equal(metadata.component.purl, "pkg:npm/tool@2.0.0");
  const references = components.map((component: { "bom-ref": string }) => component["bom-ref"]);
  assert.deepEqual(references, [
    ...["file:tool-linux", "file:tool-darwin"],
    ...["darwin", "linux"].map((os) => `pkg:npm/%40oven/bun-${os}@1.0.0`),
    ...["darwin", "linux"].map((os) => `pkg:npm/%40scope/addon-${os}@1.0.0`),
    ...["pkg:npm/leaf@1.0.0", "pkg:npm/parser@1.0.0"],
  ]);
  assert.deepEqual(components[0].hashes, [{ alg: "SHA-256", content: "ab".repeat(32) }]);
  assert.deepEqual(components[4], {
    type: "library",
    "bom-ref": "pkg:npm/%40scope/addon-darwin@1.0.0",
    group: "@scope",
    name: "addon-darwin",
    version: "1.0.0",
    hashes: [{ alg: "SHA-512", content: DIGEST.toString("hex") }],
    licenses: [{ expression: "MIT OR Apache-2.0" }],
    purl: "pkg:npm/%40scope/addon-darwin@1.0.0",
  });
});

test("sbom() says which binary holds what, and what a package imports of that", () => {
  const { dependencies } = JSON.parse(sbom(RELEASE));
  const edges = new Map(
    dependencies.map((
      { ref, dependsOn }: { ref: string; dependsOn: string[] },
    ) => [ref, dependsOn]),
  );
  assert.deepEqual(edges.get("pkg:npm/tool@2.0.0"), ["file:tool-linux", "file:tool-darwin"]);
  assert.deepEqual(edges.get("file:tool-linux"), [
    "pkg:npm/%40oven/bun-linux@1.0.0",
    "pkg:npm/%40scope/addon-linux@1.0.0",
    "pkg:npm/leaf@1.0.0",
    "pkg:npm/parser@1.0.0",
  ]);
  assert.deepEqual(edges.get("pkg:npm/parser@1.0.0"), ["pkg:npm/leaf@1.0.0"]);
  assert.equal(edges.size, dependencies.length, "each once");
});

test("sbom() gives the same text for the same release, and another serial number for another one", () => {
  assert.equal(sbom(RELEASE), sbom({ ...RELEASE }));
  const serial = (release: Release) => JSON.parse(sbom(release)).serialNumber;
  assert.match(
    serial(RELEASE),
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.notEqual(serial(RELEASE), serial({ ...RELEASE, binaries: BINARIES.slice(1) }));
  assert.equal(JSON.parse(sbom({ ...RELEASE, time: undefined })).metadata.timestamp, undefined);
});
