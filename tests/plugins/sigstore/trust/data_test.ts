import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { instanceRepository } from "../../../../plugins/sigstore/trust/repository.ts";

const FOLDER = new URL("../../../../plugins/sigstore/data/", import.meta.url);

/** As data/README.md has them. */
const DIGESTS: Readonly<Record<string, string>> = {
  "production.root.json": "27aea7e372aa7864065174f0661784fcf8b0e28b1dbfebeada31a0f1fb19167f",
  "production.trusted_root.json":
    "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66",
  "production.signing_config.json":
    "9711a6d5375706957a4859af31c5866a4474f81f0544f9f4b76c9c4f4c8a539c",
  "staging.root.json": "353d172f05f9e73b4a647b1a464f16726d929cbfd030cc42bffb86cd742fb61f",
  "staging.trusted_root.json": "81f5af777952d2c3955062ad56924c05ca916b5d49f3a0bce945faa475a8b1cc",
  "staging.signing_config.json": "14452cddce0d882c7ee7124653ba03a6684afaca12be9e9561ee198cf46734ad",
};

function data(name: string): Buffer {
  return readFileSync(fileURLToPath(new URL(name, FOLDER)));
}

test("the built-in trust has the digests that its description names", () => {
  const readme = data("README.md").toString();
  for (const [name, digest] of Object.entries(DIGESTS)) {
    assert.equal(createHash("sha256").update(data(name)).digest("hex"), digest, name);
    assert.ok(readme.includes(`\`${digest}\``), name);
  }
});

test("the built-in trust of production is that of @sigstore/tuf, byte for byte", () => {
  const seeds = createRequire(import.meta.url)("@sigstore/tuf/seeds.json");
  const seed = seeds["https://tuf-repo-cdn.sigstore.dev"];
  const files = {
    "production.root.json": seed["root.json"],
    "production.trusted_root.json": seed.targets["trusted_root.json"],
  };
  for (const [name, base64] of Object.entries(files)) {
    assert.deepEqual(data(name), Buffer.from(base64, "base64"), name);
  }
});

test("instanceRepository() holds what the files hold", () => {
  for (const instance of ["production", "staging"] as const) {
    const { root, builtIn } = instanceRepository(instance);
    assert.deepEqual(
      [JSON.parse(Buffer.from(root).toString()), builtIn.trustedRoot, builtIn.signingConfig],
      ["root", "trusted_root", "signing_config"].map((name) =>
        JSON.parse(data(`${instance}.${name}.json`).toString())
      ),
    );
  }
});
