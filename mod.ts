/**
 * Signs and verifies machine-learning models in the OpenSSF Model Signing format.
 *
 * The pipelines {@link signModel} and {@link verifyModel} do everything; {@link hash}, {@link sign},
 * {@link verifySignature} and {@link compare} are their parts. A model is a {@link ManifestSource}, such as
 * {@link openModel} gives; {@link keySigner}, {@link certificateSigner} and their verifiers bring the trust.
 *
 * @module
 */

export * from "./core/mod.ts";
export * from "./plugins/mod.ts";
