/** Everything that we write, against the specification's schemas. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cli } from "../support/cli.ts";
import { assertStatus } from "../support/outcome.ts";
import { type KeyType, Pki } from "../support/pki.ts";
import { sharedData } from "../support/shared.ts";
import { signedStatement } from "./payload.ts";
import { ROUGH_TREE, writeTree } from "./sample_model.ts";
import { schemaJudges } from "./schemas.ts";

const folder = sharedData("oms", "schemas");

const HASHES = ["sha256", "blake2b", "blake3"];
const METHODS = ["files", "shards"];
const KEYS: readonly KeyType[] = ["P-256", "P-384", "P-521", "RSA-2048", "Ed25519"];

/** Signs a model with a key and with a certificate; gives the two signature files. */
async function signatures(pki: Pki, type: KeyType, flags: readonly string[]): Promise<string[]> {
  const model = writeTree(join(pki.directory, "model"), ROUGH_TREE);
  const root = pki.root();
  const intermediate = pki.intermediate(root);
  const leaf = pki.leaf(intermediate, { key: type });
  const credentials = {
    key: [],
    certificate: [
      ...["--signing-certificate", leaf.certificate],
      ...["--certificate-chain", intermediate.certificate],
    ],
  };
  const written: string[] = [];
  for (const [method, more] of Object.entries(credentials)) {
    const signature = join(pki.directory, `${method}.sig`);
    const args = ["sign", method, model, "--private-key", leaf.key, "--signature", signature];
    assertStatus(await cli([...args, ...more, ...flags]), 0, `sign ${method}`);
    written.push(signature);
  }
  return written;
}

function assertValid(folder: string, signature: string): void {
  const judges = schemaJudges(folder);
  assert.deepEqual(judges.bundle(JSON.parse(readFileSync(signature, "utf8"))), []);
  assert.deepEqual(judges.statement(signedStatement(signature)), []);
}

if (folder !== undefined) {
  for (const hash of HASHES) {
    for (const method of METHODS) {
      test(`sign writes ${method} with ${hash} as the schemas want it`, async () => {
        using pki = new Pki();
        const flags = ["--hash-algorithm", hash, "--ignore-paths", "onnx,empty.bin"];
        if (method === "shards") flags.push("--shard-size", "10");
        for (const signature of await signatures(pki, "P-256", flags)) {
          const { hash_type, method: written } = signedStatement(signature).predicate.serialization;
          assert.deepEqual([written, hash_type], [method, hash]);
          assertValid(folder, signature);
        }
      });
    }
  }

  for (const type of KEYS) {
    test(`sign writes bundles of ${type} keys as the schemas want them`, async () => {
      using pki = new Pki();
      const signed = await signatures(pki, type, ["--no-ignore-git-paths"]);
      for (const signature of signed) assertValid(folder, signature);
    });
  }

  test("the schemas refuse a bundle and a statement with something missing", async () => {
    using pki = new Pki();
    const judges = schemaJudges(folder);
    for (const signature of await signatures(pki, "P-256", [])) {
      const bundle = JSON.parse(readFileSync(signature, "utf8"));
      delete bundle.dsseEnvelope.payloadType;
      assert.notDeepEqual(judges.bundle(bundle), []);
      const statement = structuredClone<Record<string, unknown>>(signedStatement(signature));
      statement["predicate"] = { resources: [] };
      assert.notDeepEqual(judges.statement(statement), []);
    }
  });
}
