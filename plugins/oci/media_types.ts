/** Media types of OCI and Docker. */

/** Image manifest (OCI image 1.1, "Image Manifest"). */
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
/** Image index (OCI image 1.1, "Image Index"). */
export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
/** Docker's image manifest, version 2, schema 2. */
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
/** Docker's index. */
export const DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json";
/** The config of a manifest that has none: two bytes, `{}` (OCI image 1.1, "Guidance for an Empty Descriptor"). */
export const EMPTY_CONFIG = "application/vnd.oci.empty.v1+json";
/** A Sigstore bundle, as layer and as artifact type. */
export const SIGSTORE_BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json";

/** What a manifest can be. */
export type ManifestMediaType =
  | "application/vnd.oci.image.manifest.v1+json"
  | "application/vnd.docker.distribution.manifest.v2+json";
/** What an index can be. */
export type IndexMediaType =
  | "application/vnd.oci.image.index.v1+json"
  | "application/vnd.docker.distribution.manifest.list.v2+json";

/** All that a registry is asked for. */
export const MANIFEST_MEDIA_TYPES: readonly (ManifestMediaType | IndexMediaType)[] = [
  OCI_MANIFEST,
  OCI_INDEX,
  DOCKER_MANIFEST,
  DOCKER_INDEX,
];

/** Whether a media type is that of a manifest or an index. */
export function isManifestMediaType(
  mediaType: string,
): mediaType is ManifestMediaType | IndexMediaType {
  return (MANIFEST_MEDIA_TYPES as readonly string[]).includes(mediaType);
}

/** Whether a media type is that of an index. */
export function isIndexMediaType(mediaType: string): mediaType is IndexMediaType {
  return mediaType === OCI_INDEX || mediaType === DOCKER_INDEX;
}

/** Whether a media type is that of a Sigstore bundle of any version, in one of its two spellings. */
export function isBundleMediaType(mediaType: string): boolean {
  return /^application\/vnd\.dev\.sigstore\.bundle(?:\.v0\.[0-9]+\+json|\+json(?:; *version="?0\.[0-9]+"?)?)$/
    .test(mediaType);
}
