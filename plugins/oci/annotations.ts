/** Keys of annotations: those that name files in registries, and our own in statements. */

/** Name of a layer's file (OCI image specification, annotations). */
export const TITLE = "org.opencontainers.image.title";

/** Path of a layer's file or folder (CNCF ModelPack specification). */
export const MODEL_PACK_PATH = "org.cncf.model.filepath";

/** On the subject of a statement: the kind of source that the model was listed from; {@link OCI_SOURCE}. */
export const SOURCE = "dev.model-signing.source";

/** Value of {@link SOURCE} for models that were listed from an OCI manifest. */
export const OCI_SOURCE = "oci";

/** On the subject of a statement: digest of the manifest's own bytes, `sha256:` and lowercase hex. */
export const MANIFEST_DIGEST = "dev.model-signing.oci.manifest.digest";

/** On a resource: {@link CONFIG_ROLE} for the manifest's config blob, which is no file of the model. */
export const ROLE = "dev.model-signing.oci.role";

/** Value of {@link ROLE}. */
export const CONFIG_ROLE = "config";
