import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import type { Resource } from "../../core/hasher.ts";
import {
  Comparison,
  metadataPaths,
  rootDigest,
  signedPaths,
  sortResources,
} from "../../core/manifest.ts";
import type { ResourceRole } from "../../core/source.ts";
import { sha256 } from "../support/bundles.ts";

function resource(name: string, content = name): Resource {
  return { name, digest: sha256(content), algorithm: "sha256" };
}

test("rootDigest() is what openssl gives for the raw digests in their order", () => {
  const resources = ["b", "a", "c"].map((name) => resource(name));
  const raw = Buffer.from(resources.map(({ digest }) => digest).join(""), "hex");
  const { stdout } = spawnSync("openssl", ["dgst", "-sha256", "-r"], { input: raw });
  assert.equal(rootDigest(resources), stdout.toString().slice(0, 64));
});

test("rootDigest() is SHA-256 also over digests of other lengths", () => {
  const digest = "ab".repeat(64);
  const { stdout } = spawnSync("openssl", ["dgst", "-sha256", "-r"], {
    input: Buffer.from(digest, "hex"),
  });
  assert.equal(rootDigest([{ digest }]), stdout.toString().slice(0, 64));
});

test("rootDigest() depends on the order", () => {
  const [a, b] = [resource("a"), resource("b")];
  assert.notEqual(rootDigest([a, b]), rootDigest([b, a]));
});

test("sortResources() sorts as the bytes of UTF-8 do", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "grapheme" })), (names) => {
    const sorted = sortResources(names.map((name) => resource(name))).map(({ name }) => name);
    const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    assert.deepEqual(sorted, expected);
  }));
});

test("sortResources() puts U+E000 to U+FFFF before U+10000", () => {
  const names = ["\u{10000}", "\uffff", "\ue000", "\u{1f600}", "z", "\ud7ff"];
  assert.deepEqual(
    sortResources(names.map((name) => resource(name))).map(({ name }) => name),
    ["z", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}"],
  );
});

test("Comparison finds nothing when everything is as signed, in any order", () => {
  const signed = ["a", "b", "c"].map((name) => resource(name));
  const comparison = new Comparison(signed);
  for (const found of signed.toReversed()) comparison.add(found);
  assert.deepEqual(comparison.finish(), []);
});

test("Comparison tells missing, modified and unsigned resources, in code point order", () => {
  const comparison = new Comparison(["a", "\uffff", "\u{10000}"].map((name) => resource(name)));
  comparison.add(resource("\u{10000}", "changed"));
  comparison.add(resource("b"));
  comparison.add(resource("a"));
  assert.deepEqual(comparison.finish(), [
    { kind: "unsigned", name: "b" },
    { kind: "missing", name: "\uffff", expected: sha256("\uffff") },
    {
      kind: "modified",
      name: "\u{10000}",
      expected: sha256("\u{10000}"),
      actual: sha256("changed"),
    },
  ]);
});

test("Comparison takes another algorithm for a modification", () => {
  const comparison = new Comparison([resource("a")]);
  comparison.add({ ...resource("a"), algorithm: "blake3" });
  assert.deepEqual(comparison.finish().map(({ kind }) => kind), ["modified"]);
});

test("Comparison is case-sensitive and does not normalise", () => {
  const comparison = new Comparison([resource("A"), resource("\u00e9")]);
  comparison.add(resource("a", "A"));
  comparison.add(resource("e\u0301", "\u00e9"));
  assert.deepEqual(
    comparison.finish().map(({ kind, name }) => `${kind} ${name}`),
    ["missing A", "unsigned a", "unsigned e\u0301", "missing \u00e9"],
  );
});

test("Comparison does not call missing what is explained", () => {
  const comparison = new Comparison(["a", "b"].map((name) => resource(name)));
  assert.deepEqual(
    comparison.finish((name) => name === "a").map(({ name }) => name),
    ["b"],
  );
});

test("metadataPaths() gives what is nothing but metadata, whole or in shards", () => {
  const serialization = {
    ...{ method: "shards", hashType: "sha256", shardSize: 1 } as const,
    ...{ allowSymlinks: false, ignorePaths: [] },
  };
  const names = ["a:0:1", "a:1:2", "b:0:1", "b:1:2", "c:0:1"];
  const manifest = { resources: names.map((name) => resource(name)), serialization };
  const roles = new Map<string, ResourceRole>([
    ...["a:0:1", "a:1:2", "b:0:1"].map((name) => [name, "metadata"] as const),
    ["c:0:1", "archive"],
  ]);
  assert.deepEqual([...metadataPaths(manifest, roles)], ["a"]);
  assert.deepEqual([...signedPaths(manifest)], ["a", "b", "c"]);
});
