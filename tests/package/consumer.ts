/**
 * A program that uses the package by its name, as a registry would: `consumer.ts FOLDER`. It is checked and compiled
 * against the declarations, and run on every runtime; what it writes must be the same on each.
 */

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ProxyTracerProvider } from "@opentelemetry/api";
import {
  type EngineOptions,
  fileSystemSource,
  hash,
  HASH_TYPES,
  hasherFactory,
  keySigner,
  keyVerifier,
  type Logger,
  ModelSigningError,
  readBundleFile,
  type Report,
  rootDigest,
  signModel,
  verifyModel,
  writeFileAtomically,
} from "model-signing";
import { signerContract } from "model-signing/contract";
import { parseReference, referenceText } from "model-signing/oci";
import { spanObserver } from "model-signing/otel";

const [folder = "."] = process.argv.slice(2);
const model = join(folder, "model");
const signature = join(folder, "model.sig");
const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const verifier = keyVerifier({ publicKeys: [publicKey] });
const source = await fileSystemSource(model);

/** Workers from the first byte on. */
const ENGINE: EngineOptions = { jobs: 2, workersFrom: 0 };

const fellBack: string[] = [];
const logger: Logger = {
  log(_level, message, { reason } = {}) {
    if (reason !== undefined) fellBack.push(`${message}: ${String(reason)}`);
  },
};

// A tracer that does nothing: that the entry is there and fits is what counts.
const observer = spanObserver(new ProxyTracerProvider().getTracer("consumer"));

async function verified(): Promise<Report> {
  const bundle = await readBundleFile(signature);
  const hasher = hasherFactory(ENGINE);
  return await verifyModel({ bundle, source, hasher, verifier }, { logger, observer });
}

const found: Record<string, string> = {};
for (const algorithm of HASH_TYPES) {
  for (const shardSize of [undefined, 1_000_000]) {
    const hasher = hasherFactory(ENGINE);
    const settings = { algorithm, ...(shardSize === undefined ? {} : { shardSize }) };
    const { bytes, rootDigest } = await signModel(
      { source, hasher, signer: keySigner({ privateKey }), ...settings },
      { logger },
    );
    await writeFileAtomically(signature, bytes);
    const report = await verified();
    assert.equal(report.verdict, "verified");
    found[`${algorithm} ${shardSize ?? "files"}`] = rootDigest;
  }
}
assert.deepEqual(fellBack, [], "the native BLAKE3 of this platform is used");

// Without it, and in this thread, the digests are the same.
const slow = hasherFactory({ jobs: 1, native: false, workersFrom: Number.MAX_SAFE_INTEGER });
const { manifest } = await hash({ source, hasher: slow, algorithm: "blake3" });
assert.equal(rootDigest(manifest.resources), found["blake3 files"]);

// The runs above had workers: where there is no worker's module, the same settings fail.
await assert.rejects(
  hash({ source, hasher: hasherFactory({ ...ENGINE, workerUrl: "file:///nowhere/worker.js" }) }),
  (error) => error instanceof ModelSigningError && error.code === "HASH_WORKER_FAILED",
);

await writeFile(join(model, "config.json"), "[]\n");
const report = await verified();
assert.equal(report.verdict, "rejected");
assert.deepEqual(report.issues.map(({ code }) => code), ["FILE_MODIFIED"]);

for (const { run } of signerContract(() => Promise.resolve(keySigner({ privateKey })))) await run();
found["reference"] = referenceText(parseReference("oci://registry.example/models/bert:v1"));
console.log(JSON.stringify(found));
