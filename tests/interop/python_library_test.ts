/** The Python tool's library beside ours, for what its command line does not offer: shards and other hashes. */

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { cli } from "../support/cli.ts";
import { assertRejected, assertStatus } from "../support/outcome.ts";
import { Pki } from "../support/pki.ts";
import { pythonTest, type PythonTool } from "../support/python_tool.ts";
import { signedStatement } from "./payload.ts";
import { writeTree } from "./sample_model.ts";

const SHARD_SIZE = 1000;

/** How a manifest is made, as the two libraries are told. */
type Hashing = {
  readonly name: string;
  /** Flags of `sign`. */
  readonly flags: readonly string[];
  /** A call on `model_signing.hashing.Config()`. */
  readonly python: string;
};

const SHARDS: readonly Hashing[] = [
  {
    name: "sha256 shards",
    flags: ["--shard-size", `${SHARD_SIZE}`],
    python: `use_shard_serialization(shard_size=${SHARD_SIZE})`,
  },
  {
    name: "blake2b shards",
    flags: ["--shard-size", `${SHARD_SIZE}`, "--hash-algorithm", "blake2b"],
    python: `use_shard_serialization(shard_size=${SHARD_SIZE}, hashing_algorithm="blake2")`,
  },
];

const FILES: readonly Hashing[] = [
  {
    name: "blake2b files",
    flags: ["--hash-algorithm", "blake2b"],
    python: `use_file_serialization(hashing_algorithm="blake2")`,
  },
  {
    name: "blake3 files",
    flags: ["--hash-algorithm", "blake3"],
    python: `use_file_serialization(hashing_algorithm="blake3")`,
  },
];

/** argv: model, signature, private key. */
const SIGN = (hashing: Hashing) => `
import sys, model_signing
from model_signing import hashing
config = hashing.Config().${hashing.python}
model_signing.signing.Config().use_elliptic_key_signer(private_key=sys.argv[3]) \\
  .set_hashing_config(config).sign(sys.argv[1], sys.argv[2])
`;

/** argv: model, signature, public key. */
const VERIFY = (hashing: Hashing) => `
import pathlib, sys, model_signing
from model_signing import hashing
config = hashing.Config().${hashing.python}
model_signing.verifying.Config().use_elliptic_key_verifier(public_key=sys.argv[3]) \\
  .set_hashing_config(config).verify(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
`;

/** argv: model. Prints name and digest of each resource. */
const MANIFEST = (hashing: Hashing) => `
import json, sys
from model_signing import hashing
manifest = hashing.Config().${hashing.python}.hash(sys.argv[1])
print(json.dumps([[r.identifier, r.digest.digest_hex] for r in manifest.resource_descriptors()]))
`;

type Scene = {
  readonly pki: Pki;
  readonly model: string;
  readonly signature: string;
  readonly key: string;
  readonly publicKey: string;
};

/** Sizes around the shard's, and one that a worker reads in several pieces. */
function scene(pki: Pki): Scene {
  const model = writeTree(join(pki.directory, "model"), {
    "empty": "",
    "one": "1",
    "below": randomBytes(SHARD_SIZE - 1),
    "exact": randomBytes(SHARD_SIZE),
    "above": randomBytes(SHARD_SIZE + 1),
    "a/twice": randomBytes(2 * SHARD_SIZE),
    "a-b/eleven": randomBytes(10 * SHARD_SIZE + 5),
  });
  writeFileSync(join(model, "large"), randomBytes(3_000_001));
  const key = pki.key("P-256");
  const publicKey = `${key}.pub`;
  pki.openssl(["pkey", "-in", key, "-pubout", "-out", publicKey]);
  return { pki, model, signature: join(pki.directory, "model.sig"), key, publicKey };
}

async function weSign({ model, signature, key }: Scene, hashing: Hashing): Promise<void> {
  const args = ["sign", "key", model, "--private-key", key, "--signature", signature];
  assertStatus(await cli([...args, ...hashing.flags]), 0, "we sign");
}

async function weVerify({ model, signature, publicKey }: Scene) {
  const args = ["verify", "key", model, "--public-key", publicKey, "--signature", signature];
  return await cli([...args, "--format", "json"]);
}

function pythonManifest(tool: PythonTool, { model }: Scene, hashing: Hashing): Map<string, string> {
  const run = tool.script(MANIFEST(hashing), [model]);
  assertStatus(run, 0, "the Python library hashes");
  return new Map(JSON.parse(run.stdout));
}

for (const hashing of [...FILES, ...SHARDS]) {
  pythonTest(
    `verify accepts ${hashing.name} of the Python library, and finds tampering`,
    async (tool) => {
      using pki = new Pki();
      const at = scene(pki);
      const run = tool.script(SIGN(hashing), [at.model, at.signature, at.key]);
      assertStatus(run, 0, "the Python library signs");
      assertStatus(await weVerify(at), 0, "we verify");
      appendFileSync(join(at.model, "a", "twice"), "!");
      // A byte more makes a shard more, which nobody signed.
      const code = hashing.name.endsWith("shards") ? "FILE_UNSIGNED" : "FILE_MODIFIED";
      assertRejected(await weVerify(at), [code]);
    },
  );

  pythonTest(`sign makes the same ${hashing.name} as the Python library`, async (tool) => {
    using pki = new Pki();
    const at = scene(pki);
    await weSign(at, hashing);
    const ours = signedStatement(at.signature).predicate.resources;
    assert.deepEqual(
      new Map(ours.map(({ name, digest }) => [name, digest])),
      pythonManifest(tool, at, hashing),
    );
  });
}

// Not for shards: the library compares its own name for the algorithm, "sha256-sharded-1000", with the
// "sha256" that the specification wants.
for (const hashing of FILES) {
  pythonTest(
    `the Python library accepts ${hashing.name} of sign, and finds tampering`,
    async (tool) => {
      using pki = new Pki();
      const at = scene(pki);
      await weSign(at, hashing);
      const verify = () => tool.script(VERIFY(hashing), [at.model, at.signature, at.publicKey]);
      assertStatus(verify(), 0, "the Python library verifies");
      appendFileSync(join(at.model, "a", "twice"), "!");
      assertStatus(verify(), 1, "the Python library finds tampering");
    },
  );
}

pythonTest(
  "the Python library reads the shards of sign and agrees with the root digest",
  async (tool) => {
    using pki = new Pki();
    const at = scene(pki);
    await weSign(at, SHARDS[0]!);
    const script = `
import pathlib, sys
from model_signing._signing import sign_ec_key, sign_sigstore_pb
signature = sign_sigstore_pb.Signature.read(pathlib.Path(sys.argv[1]))
manifest = sign_ec_key.Verifier(pathlib.Path(sys.argv[2])).verify(signature)
print(len(list(manifest.resource_descriptors())))
`;
    const run = tool.script(script, [at.signature, at.publicKey]);
    assertStatus(run, 0, "the Python library verifies the signature");
    const { resources } = signedStatement(at.signature).predicate;
    assert.equal(run.stdout.trim(), `${resources.length}`);
  },
);
