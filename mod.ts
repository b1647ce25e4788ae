/**
 * Signs and verifies machine-learning models in the OpenSSF Model Signing format.
 *
 * The pipelines {@link signModel} and {@link verifyModel} do everything; {@link hash}, {@link sign},
 * {@link verifySignature} and {@link compare} are their parts. A model is a {@link ManifestSource}, such as
 * {@link fileSystemSource} opens; {@link keySigner}, {@link certificateSigner} and their verifiers bring the
 * trust.
 *
 * @module
 */

import type { HasherFactory } from "./core/mod.ts";
import { type EngineOptions, hasherFactory as engine } from "./plugins/mod.ts";

export * from "./core/mod.ts";
export * from "./plugins/mod.ts";

/**
 * The hashing engine, with a worker for each core; `jobs: 1` hashes in one. A bundler moves modules, so a
 * bundled program gives the `workerUrl` of its own copy of `plugins/hash/worker.ts`.
 */
export function hasherFactory(options: EngineOptions = {}): HasherFactory {
  const workerUrl = new URL("./plugins/hash/worker.ts", import.meta.url);
  return engine({ workerUrl, ...options });
}
