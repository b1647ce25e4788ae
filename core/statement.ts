/** The signed payload: an in-toto Statement v1 whose predicate is a manifest (OMS 2). Writing. */

import { Buffer } from "node:buffer";
import { requireBundleSize } from "./bundle.ts";
import type { Resource } from "./hasher.ts";
import { type Manifest, rootDigest, type Serialization } from "./manifest.ts";

/** `_type` of every statement. */
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** `predicateType` of what we write. */
export const PREDICATE_TYPE = "https://model_signing/signature/v1.0";
/** `predicateType` of the tool 0.2.0: digests as subjects, nothing else. Only ever read. */
export const DIGESTS_PREDICATE_TYPE = "https://model_signing/Digests/v0.1";

const RESOURCES_AT_A_TIME = 4096;

/** A statement, parsed. */
export type Statement = {
  /** `digests` has no name, no recorded serialization and no root digest. */
  readonly form: "current" | "digests";
  /** For the form `digests` with the name "" and the settings that the tool 0.2.0 always used. */
  readonly manifest: Manifest;
  /** Lowercase hex; it has been compared with the resources. */
  readonly rootDigest?: string;
};

/**
 * The payload of a manifest: UTF-8 JSON with a fixed member order and no spaces, so that one tree and one
 * set of flags always give the same bytes.
 *
 * @throws {ModelSigningError} `BUNDLE_TOO_LARGE_TO_WRITE` when no bundle could hold it
 */
export function writeStatement(manifest: Manifest): Uint8Array {
  const { name, annotations, resources, serialization } = manifest;
  requireBundleSize(
    resources.reduce((sum, { name, digest }) => sum + name.length + digest.length, 0),
  );
  const head = JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [{
      name,
      digest: { sha256: rootDigest(resources) },
      ...(annotations ? { annotations } : {}),
    }],
    predicateType: PREDICATE_TYPE,
  });
  const parts = [Buffer.from(`${head.slice(0, -1)},"predicate":{"resources":[`)];
  // Bit by bit: all of a million as objects and as text, too, would take several times the memory of the payload.
  for (let start = 0; start < resources.length; start += RESOURCES_AT_A_TIME) {
    const some = resources.slice(start, start + RESOURCES_AT_A_TIME);
    const json = JSON.stringify(some.map(writeResource)).slice(1, -1);
    parts.push(Buffer.from(start === 0 ? json : `,${json}`));
  }
  parts.push(
    Buffer.from(`],"serialization":${JSON.stringify(writeSerialization(serialization))}}}`),
  );
  return Buffer.concat(parts);
}

function writeResource({ name, digest, algorithm, extra }: Resource): Record<string, unknown> {
  return { ...extra, name, digest, algorithm };
}

function writeSerialization(serialization: Serialization): Record<string, unknown> {
  return {
    method: serialization.method,
    hash_type: serialization.hashType,
    ...(serialization.method === "shards" ? { shard_size: serialization.shardSize } : {}),
    allow_symlinks: serialization.allowSymlinks,
    ...(serialization.ignorePaths.length > 0 ? { ignore_paths: serialization.ignorePaths } : {}),
  };
}
