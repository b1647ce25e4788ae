/** A client for OCI registries and layouts. */

export { type Artifact, attach, bundleArtifact } from "./attach.ts";
export { type AttachedBundle, attachedBundles } from "./attached_bundles.ts";
export { readBlob } from "./checked_stream.ts";
export { type Credentials, type CredentialSource, passwordCredentials } from "./credentials.ts";
export { type Descriptor, parseDescriptor, type Platform, platformName } from "./descriptor.ts";
export { type DigestAlgorithm, digestOf, isDigest, type OciDigest, splitDigest } from "./digest.ts";
export { dockerCredentials, type Environment } from "./docker_config.ts";
export { LayoutStore } from "./layout.ts";
export {
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  type ManifestCommon,
  type ManifestHints,
  parseManifest,
} from "./manifest.ts";
export {
  EMPTY_CONFIG,
  type IndexMediaType,
  isBundleMediaType,
  type ManifestMediaType,
  SIGSTORE_BUNDLE,
} from "./media_types.ts";
export type { Annotations } from "./members.ts";
export { isManifestFile, type ManifestFileOptions, manifestFileSource } from "./manifest_file.ts";
export { type OciModel, type OciModelOptions, openOciModel } from "./open_model.ts";
export { ociPlugin } from "./plugin.ts";
export { ociRoles } from "./roles.ts";
export { type FoundBundle, OciSignatures } from "./signature_store.ts";
export type { NamedBlob, RefusedBlob } from "./naming.ts";
export { openStore } from "./open_store.ts";
export {
  type LayoutReference,
  type OciReference,
  parseReference,
  referenceText,
  type RegistryReference,
  type Target,
} from "./reference.ts";
export type { OciSource } from "./source.ts";
export { RegistryStore } from "./registry.ts";
export type { OciReader, OciStore, OciWriter, Resolved } from "./store.ts";
export type { RegistrySettings } from "./transport.ts";
export { type ConnectionTrust, trustAuthorities } from "../_http/mod.ts";
