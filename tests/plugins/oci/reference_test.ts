import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { parseReference, referenceText } from "../../../plugins/oci/reference.ts";

const SHA256 = `sha256:${"0123456789abcdef".repeat(4)}`;
const SHA512 = `sha512:${"0123456789abcdef".repeat(8)}`;

function refusalOf(text: string, platform = "linux"): ModelSigningError {
  try {
    parseReference(text, platform);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, text);
    return error;
  }
  assert.fail(`${text} was taken`);
}

test("parseReference() takes host, port, repository, tag and digest apart", () => {
  const registry = (reference: string) => ({ ...parseReference(`oci://${reference}`) });
  const kind = "registry";
  assert.deepEqual(registry("ghcr.io/org/model:v1.0"), {
    ...{ kind, registry: "ghcr.io", repository: "org/model", tag: "v1.0", assumedTag: false },
  });
  assert.deepEqual(registry(`Localhost:5000/a/b__c/d--e.f@${SHA256}`), {
    ...{ kind, registry: "localhost:5000", repository: "a/b__c/d--e.f" },
    ...{ digest: SHA256, assumedTag: false },
  });
  assert.deepEqual(registry(`[::1]:5000/model:_1@${SHA512}`), {
    ...{ kind, registry: "[::1]:5000", repository: "model", tag: "_1" },
    ...{ digest: SHA512, assumedTag: false },
  });
});

test("parseReference() assumes the tag latest, and says so", () => {
  assert.deepEqual(parseReference("oci://docker.io/library/model"), {
    ...{ kind: "registry", registry: "docker.io", repository: "library/model" },
    ...{ tag: "latest", assumedTag: true },
  });
});

test("parseReference() refuses what the specification does not allow", () => {
  const hex = "0".repeat(64);
  const bad = [
    ...["oci://", "oci://host", "oci://host/", "oci:///model", "oci://host:/model"],
    ...["oci://host:0/model", "oci://host:65536/model", "oci://host:x/model", "oci://-h/model"],
    ...["oci://h_t/model", "oci://h..t/model", "oci://[::1/model", "oci://[x]/model"],
    ...[
      "oci://host/Model",
      "oci://host/a//b",
      "oci://host/a/",
      "oci://host/.a",
      "oci://host/a___b",
    ],
    ...[
      "oci://host/a._b",
      "oci://host/../b",
      "oci://host/a%2fb",
      "oci://host/a?x",
      "oci://host/a b",
    ],
    ...["oci://host/a:", "oci://host/a:-x", "oci://host/a:b/c", `oci://host/a:${"x".repeat(129)}`],
    ...["oci://host/a@", `oci://host/a@sha256:${hex}0`, `oci://host/a@sha256:${hex.slice(1)}`],
    ...[`oci://host/a@sha256:${"A".repeat(64)}`, `oci://host/a@md5:${"0".repeat(32)}`],
    ...[`oci://host/a@${SHA256}:v1`, `oci://host/a@${SHA256}@${SHA256}`, "oci://host/a\0b"],
    ...[`oci://host/${"a".repeat(256)}`, "host/a", "docker://host/a", "OCI://host/a"],
  ];
  for (const text of bad) assert.equal(refusalOf(text).code, "USAGE_OCI_REFERENCE", text);
});

test("parseReference() does not show a password that stands in a reference", () => {
  for (const text of ["oci://ada:hunter2@host/model", "oci://ada:hunter2/3@host:1/model"]) {
    const error = refusalOf(text);
    assert.equal(error.code, "USAGE_OCI_REFERENCE");
    assert.ok(!error.message.includes("hunter2"));
  }
});

test("parseReference() takes the last colon after the last separator of a layout for the tag's", () => {
  const layout = (text: string, platform: string) => {
    const { kind: _, ...rest } = parseReference(`oci-layout:${text}`, platform);
    return rest;
  };
  const linux: readonly (readonly [string, object])[] = [
    ["models", { path: "models" }],
    ["a/models:v1", { path: "a/models", tag: "v1" }],
    ["a:b/models", { path: "a:b/models" }],
    ["a:b/mo:dels:v1", { path: "a:b/mo:dels", tag: "v1" }],
    ["a:b/", { path: "a:b/" }],
    [`models@${SHA256}`, { path: "models", digest: SHA256 }],
    [`a@b:c@${SHA256}`, { path: "a@b:c", digest: SHA256 }],
    ["a@b:c", { path: "a@b", tag: "c" }],
  ];
  for (const [text, expected] of linux) assert.deepEqual(layout(text, "linux"), expected, text);
  const windows: readonly (readonly [string, object])[] = [
    ["C:\\models", { path: "C:\\models" }],
    ["C:models", { path: "C:models" }],
    ["C:\\a\\models:v1", { path: "C:\\a\\models", tag: "v1" }],
    ["C:\\Größe 模型\\a b:v1", { path: "C:\\Größe 模型\\a b", tag: "v1" }],
    ["C:/models:v1", { path: "C:/models", tag: "v1" }],
    ["models:v1", { path: "models", tag: "v1" }],
    [`D:\\models@${SHA256}`, { path: "D:\\models", digest: SHA256 }],
  ];
  for (const [text, expected] of windows) assert.deepEqual(layout(text, "win32"), expected, text);
});

test("parseReference() refuses layouts without a path, and tags that are none", () => {
  for (
    const text of [
      ...["oci-layout:", "oci-layout::v1", "oci-layout:a:", "oci-layout:a:-b", "oci-layout:a\0"],
      ...["oci-layout:a@sha256:12", `oci-layout:@${SHA256}`, "oci-layout:C:\\models"],
    ]
  ) assert.equal(refusalOf(text).code, "USAGE_OCI_REFERENCE", text);
});

test("referenceText() gives a reference that reads the same", () => {
  for (
    const text of [
      ...["oci://host:5000/a/b:v1", `oci://host/a@${SHA256}`, `oci://host/a:v1@${SHA256}`],
      ...["oci-layout:a/b", "oci-layout:a/b:v1", `oci-layout:a@${SHA256}`, "oci-layout:a:b/"],
    ]
  ) assert.equal(referenceText(parseReference(text)), text);
});
