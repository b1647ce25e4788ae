/** The signed payload: an in-toto Statement v1 whose predicate is a manifest (OMS 2). Writing. */

import { Buffer } from "node:buffer";
import { requireBundleSize } from "./bundle.ts";
import { type Manifest, rootDigest, type Serialization } from "./manifest.ts";

/** `_type` of every statement. */
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** `predicateType` of what we write. */
export const PREDICATE_TYPE = "https://model_signing/signature/v1.0";
/** `predicateType` of the tool 0.2.0: digests as subjects, nothing else. Only ever read. */
export const DIGESTS_PREDICATE_TYPE = "https://model_signing/Digests/v0.1";

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
  // Known before there is any JSON, which a runtime's longest string might not hold.
  requireBundleSize(
    resources.reduce((sum, { name, digest }) => sum + name.length + digest.length, 0),
  );
  const json = JSON.stringify({
    _type: STATEMENT_TYPE,
    subject: [{
      name,
      digest: { sha256: rootDigest(resources) },
      ...(annotations ? { annotations } : {}),
    }],
    predicateType: PREDICATE_TYPE,
    predicate: {
      resources: resources.map(({ name, digest, algorithm, extra }) => ({
        ...extra,
        name,
        digest,
        algorithm,
      })),
      serialization: writeSerialization(serialization),
    },
  });
  return Buffer.from(json, "utf8");
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
