/** Models in OCI registries and layouts, and the client behind them. */

export { type ConnectionTrust, trustAuthorities } from "../_http/mod.ts";
export { type Credentials, type CredentialSource, passwordCredentials } from "./credentials.ts";
export type { Descriptor, Platform } from "./descriptor.ts";
export type { DigestAlgorithm, OciDigest } from "./digest.ts";
export { dockerCredentials } from "./docker_config.ts";
export type { ImageIndex, ImageManifest, OciManifest } from "./manifest.ts";
export { type ManifestFileOptions, manifestFileSource } from "./manifest_file.ts";
export type { IndexMediaType, ManifestMediaType } from "./media_types.ts";
export type { Annotations } from "./members.ts";
export { type OciModel, type OciModelOptions, openOciModel } from "./open_model.ts";
export { openStore } from "./open_store.ts";
export { ociPlugin } from "./plugin.ts";
export {
  type LayoutReference,
  type OciReference,
  parseReference,
  referenceText,
  type RegistryReference,
  type Target,
} from "./reference.ts";
export { ociRoles } from "./roles.ts";
export { type FoundBundle, OciSignatures } from "./signature_store.ts";
export type { OciReader, OciStore, OciWriter, Resolved } from "./store.ts";
export type { RegistrySettings } from "./transport.ts";
