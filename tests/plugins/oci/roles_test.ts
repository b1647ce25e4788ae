import assert from "node:assert/strict";
import { test } from "node:test";
import type { Resource } from "../../../core/hasher.ts";
import type { Statement } from "../../../core/statement.ts";
import { ociRoles } from "../../../plugins/oci/roles.ts";
import { sha256 } from "../../support/bundles.ts";

type Marks = {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly shardSize?: number;
};

const OURS = { "dev.model-signing.source": "oci" };
const CONFIG = { annotations: { "dev.model-signing.oci.role": "config" } };
const ARCHIVE = { annotations: { "dev.model-signing.oci.role": "archive" } };

function statement(
  resources: Readonly<Record<string, Resource["extra"]>>,
  { annotations, shardSize }: Marks = {},
): Statement {
  const base = { hashType: "sha256", allowSymlinks: false, ignorePaths: [] } as const;
  return {
    form: "current",
    manifest: {
      name: "model",
      ...(annotations ? { annotations } : {}),
      resources: Object.entries(resources).map(([name, extra]) => ({
        name,
        digest: sha256(name),
        algorithm: "sha256",
        ...(extra ? { extra } : {}),
      })),
      serialization: shardSize === undefined
        ? { method: "files", ...base }
        : { method: "shards", shardSize, ...base },
    },
  };
}

function roles(of: Statement, asserted = false): Readonly<Record<string, string>> {
  return Object.fromEntries(ociRoles(of, asserted));
}

const TAR = { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" };

test("ociRoles() gives none for a statement about a folder", () => {
  const folder = { "config.json": CONFIG, "layer_000.tar.gz": TAR };
  assert.deepEqual(roles(statement(folder)), {});
  const other = { "dev.model-signing.source": "other" };
  assert.deepEqual(roles(statement(folder, { annotations: other })), {});
});

test("ociRoles() goes by the mark of the config blob, not by its name", () => {
  const resources = { "config.json": {}, "oci-config.json": CONFIG, "weights": {} };
  const marked = statement(resources, { annotations: OURS });
  for (const asserted of [false, true]) {
    assert.deepEqual(roles(marked, asserted), { "oci-config.json": "metadata" });
  }
});

test("ociRoles() goes by the mark of an archive, not by its media type or name", () => {
  const resources = {
    "a.tar.gz": TAR,
    "folder": { ...TAR, ...ARCHIVE },
    "layer_003.tar.gz": { mediaType: "application/octet-stream" },
  };
  assert.deepEqual(roles(statement(resources, { annotations: OURS })), { "folder": "archive" });
});

test("ociRoles() goes by names in the Go tool's form, when it is asserted", () => {
  const resources = { "config.json": undefined, "layer_000.tar.gz": undefined, "w": undefined };
  assert.deepEqual(roles(statement(resources)), {});
  assert.deepEqual(roles(statement(resources), true), {
    "config.json": "metadata",
    "layer_000.tar.gz": "archive",
  });
});

test("ociRoles() gives the roles of files to their shards", () => {
  const resources = {
    "config.json:0:4": CONFIG,
    "config.json:4:6": CONFIG,
    "folder:0:2": ARCHIVE,
  };
  assert.deepEqual(roles(statement(resources, { annotations: OURS, shardSize: 4 })), {
    "config.json:0:4": "metadata",
    "config.json:4:6": "metadata",
    "folder:0:2": "archive",
  });
});

test("ociRoles() is not misled by members of other kinds", () => {
  for (const annotations of [null, "config", ["config"], { other: "config" }]) {
    const marked = statement({ a: { annotations, mediaType: 1 } }, { annotations: OURS });
    assert.deepEqual(roles(marked), {});
  }
});
