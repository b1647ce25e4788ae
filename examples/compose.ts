/**
 * The parts of the two pipelines, one by one: hash, sign, verifySignature, compare. A registry would hash
 * where the files are, sign where the key is, and compare on a third machine.
 */

import { generateKeyPairSync } from "node:crypto";
import {
  compare,
  fileSystemSource,
  hash,
  hasherFactory,
  keySigner,
  keyVerifier,
  rootDigest,
  sign,
  verifySignature,
} from "../mod.ts";
import { sampleModel } from "./sample_model.ts";

await using model = await sampleModel();
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const source = await fileSystemSource(model.path);
const hasher = hasherFactory({ jobs: 2 });

const { manifest, coverage } = await hash({ source, hasher, shardSize: 400_000 });
console.log(`${coverage.files} files, ${manifest.resources.length} shards`);
console.log(`sha256:${rootDigest(manifest.resources)}`);

await using signer = keySigner({ privateKey });
const { bundle } = await sign(manifest, { signer });

const verified = await verifySignature(bundle, keyVerifier({ publicKeys: [publicKey] }));
if (!verified.ok) throw new Error("the signature does not hold");
const { files, issues } = await compare(verified.statement, { source, hasher });
console.log(`${files.length} differences, ${issues.length} issues`);
