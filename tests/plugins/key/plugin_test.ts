import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../../core/bundle.ts";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import type { Resource } from "../../../core/hasher.ts";
import type { Settings } from "../../../core/plugin.ts";
import { Registry } from "../../../core/registry.ts";
import { sign } from "../../../core/sign.ts";
import { keyDescriber, keyPlugin } from "../../../plugins/key/mod.ts";
import { bundleOf, encode, type Loose, resourcesOf, sha256 } from "../../support/bundles.ts";
import { opensslKey, opensslPublicKey } from "../../support/openssl.ts";

const registry = new Registry([keyPlugin]);
const signerProvider = registry.find("signer", "key")!;
const verifierProvider = registry.find("verifier", "key")!;
const PEM = opensslKey("EC P-256");
const PUBLIC_PEM = opensslPublicKey(PEM);

async function withFiles(
  contents: Readonly<Record<string, string>>,
  use: (at: (name: string) => string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "key-"));
  try {
    for (const [name, content] of Object.entries(contents)) {
      writeFileSync(join(folder, name), content);
    }
    await use((name) => join(folder, name));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function signed(settings: Settings): Promise<Bundle> {
  const { signer, witnesses } = await signerProvider.open(settings, {});
  const { bundle } = await sign({
    name: "model",
    resources: resourcesOf(["a"]) as unknown as Resource[],
    serialization: { method: "files", hashType: "sha256", allowSymlinks: false, ignorePaths: [] },
  }, { signer, witnesses });
  return bundle;
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<void> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code);
}

function parsed(value: Loose): Bundle {
  const bundle = parseBundle(encode(value));
  assert.ok(bundle.ok);
  return bundle.value;
}

test("the key provider signs and verifies with the files that settings name", async () => {
  const files = {
    "key": PEM,
    "key.pub": PUBLIC_PEM,
    "other.pub": opensslPublicKey(opensslKey("Ed25519")),
  };
  await withFiles(files, async (at) => {
    const bundle = await signed({ "private-key": at("key") });
    for (const names of [["key.pub"], ["other.pub", "key.pub"]]) {
      const verifier = await verifierProvider.open({ "public-key": names.map(at) }, {});
      const { identity } = await verifier.verify(bundle, {});
      assert.deepEqual(identity, {
        kind: "key",
        method: "key",
        keyHint: sha256(PUBLIC_PEM),
        algorithm: "EC P-256",
      });
    }
    const verifier = await verifierProvider.open({ "public-key": [at("other.pub")] }, {});
    assert.equal((await verifier.verify(bundle, {})).identity, undefined);
  });
});

test("the key provider wants its settings", async () => {
  await refused(signerProvider.open({}, {}), "USAGE");
  await refused(verifierProvider.open({}, {}), "USAGE");
  await refused(verifierProvider.open({ "public-key": [] }, {}), "USAGE");
});

test("the key provider names files that are missing or no keys", async () => {
  await withFiles({ "key": PEM, "key.pub": PUBLIC_PEM, "text": "text" }, async (at) => {
    const verify = (...names: string[]) =>
      verifierProvider.open({ "public-key": names.map(at) }, {});
    await refused(verify("missing"), "FILE_UNREADABLE");
    await refused(verify("key.pub", "missing"), "FILE_UNREADABLE");
    await refused(verify("key.pub", "text"), "KEY_MALFORMED");
    await refused(verify("key"), "KEY_MALFORMED");
    await refused(signerProvider.open({ "private-key": at("missing") }, {}), "FILE_UNREADABLE");
    await refused(signerProvider.open({ "private-key": at("key.pub") }, {}), "KEY_MALFORMED");
  });
});

test("keyDescriber tells the hint that a bundle names", async () => {
  const description = await keyDescriber.describe(parsed(bundleOf()), {});
  assert.equal(description?.method, "key");
  assert.deepEqual(description.fields, [["key hint", "0".repeat(64)]]);
});

test("keyDescriber tells the hint of an embedded key", async () => {
  const bundle = bundleOf();
  bundle.verificationMaterial.publicKey = { rawBytes: Buffer.from(PUBLIC_PEM).toString("base64") };
  const description = await keyDescriber.describe(parsed(bundle), {});
  assert.deepEqual(description?.fields.map(([, value]) => value), [sha256(PUBLIC_PEM)]);
});

test("keyDescriber leaves certificates to others", async () => {
  const bundle = bundleOf();
  bundle.verificationMaterial = { certificate: { rawBytes: "MAA=" } };
  assert.equal(await keyDescriber.describe(parsed(bundle), {}), undefined);
});
