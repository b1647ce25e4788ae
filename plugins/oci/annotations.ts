/** Keys of annotations: those that name files in registries, and our own in statements. */

/** Name of a layer's file (OCI image specification, annotations). */
export const TITLE = "org.opencontainers.image.title";

/** Path of a layer's file or folder (CNCF ModelPack specification). */
export const MODEL_PACK_PATH = "org.cncf.model.filepath";

/** On a layer: oras has packed a folder, and unpacks it again when this is "true" (oras-go, `file.AnnotationUnpack`). */
export const UNPACK = "io.deis.oras.content.unpack";

/** On the subject of a statement: the kind of source that the model was listed from; {@link OCI_SOURCE}. */
export const SOURCE = "dev.model-signing.source";

/** Value of {@link SOURCE} for models that were listed from an OCI manifest. */
export const OCI_SOURCE = "oci";

/** On the subject of a statement: digest of the manifest's own bytes, `sha256:` and lowercase hex. */
export const MANIFEST_DIGEST = "dev.model-signing.oci.manifest.digest";

/**
 * On a resource that need not be a file of the model: {@link CONFIG_ROLE} for the manifest's config blob,
 * {@link ARCHIVE_ROLE} for a layer that may have been unpacked.
 */
export const ROLE = "dev.model-signing.oci.role";

/** Value of {@link ROLE}. */
export const CONFIG_ROLE = "config";
/** Value of {@link ROLE}. */
export const ARCHIVE_ROLE = "archive";
