/**
 * From a manifest to the resources of a signature, named as the Go tool names them so that signatures travel both ways
 * (OMS 6).
 *
 * - A layer is named by its title; without one by ModelPack's file path; without either `layer_000.tar.gz`, by its place.
 * - The config blob is `config.json`. A layer of that name is a file of the model (`config.json` is what transformers
 *   models have), and keeps it: then the config blob is {@link CONFIG_NAME_BESIDE}, unless both are the same bytes. The Go
 *   tool leaves the config blob unsigned there, so its signatures of such manifests do not cover it and are refused.
 * - Every descriptor ends up in a resource or is refused. Refused are: names that are no safe relative path, one name for
 *   different bytes, digests other than SHA-256, and layers that say that they are empty.
 */

import type { Issue, IssueCode } from "../../core/errors.ts";
import { pathProblem } from "../../core/path.ts";
import type { StatedDigest } from "../../core/source.ts";
import { excerpt, quote } from "../../core/text.ts";
import { ARCHIVE_ROLE, CONFIG_ROLE, MODEL_PACK_PATH, ROLE, TITLE, UNPACK } from "./annotations.ts";
import type { Descriptor } from "./descriptor.ts";
import { digestOf, splitDigest } from "./digest.ts";
import type { ImageManifest } from "./manifest.ts";
import { EMPTY_CONFIG } from "./media_types.ts";

/** Name of the config blob. */
export const CONFIG_NAME = "config.json";

/** Name of the config blob beside a layer called {@link CONFIG_NAME}. */
const CONFIG_NAME_BESIDE = "oci-config.json";

/** The digest of no bytes. */
const NOTHING = digestOf(new Uint8Array());

/** What oras calls a file of no known type ("oras push"). */
const ORAS_FILE = "application/vnd.oci.image.layer.v1.tar";

/** A blob of the manifest under the name that its resource has. */
export type NamedBlob = {
  readonly name: string;
  readonly descriptor: Descriptor;
  readonly digest: StatedDigest;
  /** False for the config blob. */
  readonly isLayer: boolean;
  /** A layer that whoever downloads the model may unpack. */
  readonly isArchive: boolean;
  /** Further members of its resource. */
  readonly extra: Readonly<Record<string, unknown>>;
};

/** What cannot be a resource. */
export type RefusedBlob = { readonly name: string; readonly issue: Issue };

/** Names everything that a manifest lists, each name once: layers in their order, then the config blob. */
export function nameBlobs(manifest: ImageManifest): readonly (NamedBlob | RefusedBlob)[] {
  const named = new Map<string, NamedBlob | RefusedBlob>();
  manifest.layers.forEach((layer, index) => {
    const name = layerName(layer, index);
    const earlier = named.get(name);
    if (earlier === undefined) named.set(name, nameLayer(name, layer));
    else if ("descriptor" in earlier && !isSame(earlier.descriptor, layer)) {
      const problem = "is the name of two layers with different content";
      named.set(name, refusal("ENTRY_NAME", name, problem));
    }
  });
  const { config } = manifest;
  const taker = named.get(CONFIG_NAME);
  if (taker && "descriptor" in taker && isSame(taker.descriptor, config)) {
    return [...named.values()];
  }
  const name = taker ? CONFIG_NAME_BESIDE : CONFIG_NAME;
  if (named.has(name)) {
    const problem = `is a layer, and so is ${
      quote(CONFIG_NAME)
    }, so no name is left for the config blob`;
    named.set(name, refusal("ENTRY_NAME", name, problem));
  } else {
    named.set(name, nameBlob(name, config, false));
  }
  return [...named.values()];
}

/** Whether a media type is that of a tar archive, compressed or not: `application/vnd.oci.image.layer.v1.tar+gzip`. */
export function isArchiveType(mediaType: string): boolean {
  return /[./+-]tar(?:$|[.+;-])/i.test(mediaType);
}

/** Whether a name is one that a layer without a title has. */
export function isPositionalName(name: string): boolean {
  return /^layer_[0-9]{3,}\.tar\.gz$/.test(name);
}

function layerName({ annotations = {}, mediaType }: Descriptor, index: number): string {
  const title = annotations[TITLE];
  if (title !== undefined && title !== "") return title;
  // ModelPack's own examples have no "./", KitOps writes it, and "." for a folder that is the whole model.
  const path =
    annotations[MODEL_PACK_PATH]?.replace(/^(?:\.\/+)+/, "").replace(/(?<!\/)\/+$/, "") ?? "";
  const isFolder = path === "." && isArchiveType(mediaType);
  return path === "" || isFolder ? `layer_${String(index).padStart(3, "0")}.tar.gz` : path;
}

function nameLayer(name: string, layer: Descriptor): NamedBlob | RefusedBlob {
  const problem = pathProblem(name);
  if (problem !== undefined) return refusal("ENTRY_NAME", name, problem);
  if (layer.mediaType === EMPTY_CONFIG) {
    return refusal("ENTRY_NOT_REGULAR", name, "is an empty descriptor, expected a file's content");
  }
  return nameBlob(name, layer, true);
}

function nameBlob(name: string, descriptor: Descriptor, isLayer: boolean): NamedBlob | RefusedBlob {
  const { mediaType, size } = descriptor;
  const { algorithm, hex } = splitDigest(descriptor.digest);
  if (algorithm !== "sha256") {
    return refusal(
      "ENTRY_DIGEST_ALGORITHM",
      name,
      `has a ${algorithm} digest, and only sha256 can be signed`,
    );
  }
  // Nobody reads what has no bytes, and who fetches it by its digest may get some.
  if (size === 0 && descriptor.digest !== NOTHING) {
    return refusal(
      "ENTRY_DIGEST",
      name,
      "is stated to be empty, with the digest of something else",
    );
  }
  const isArchive = isLayer && (isPositionalName(name) || mayBeUnpacked(descriptor));
  const role = isArchive ? ARCHIVE_ROLE : isLayer ? undefined : CONFIG_ROLE;
  return {
    name,
    descriptor,
    digest: { algorithm, digest: hex },
    isLayer,
    isArchive,
    extra: { mediaType, size, ...(role === undefined ? {} : { annotations: { [ROLE]: role } }) },
  };
}

/**
 * oras gives every file that it is told no type for the type of an archive. Archives that it made itself it marks, and
 * unpacks by that mark, whatever their type.
 */
function mayBeUnpacked({ mediaType, annotations = {} }: Descriptor): boolean {
  const isFileOfOras = mediaType === ORAS_FILE && (annotations[TITLE] ?? "") !== "";
  return annotations[UNPACK] === "true" || (isArchiveType(mediaType) && !isFileOfOras);
}

/** The same bytes. A digest with two sizes is a lie about one of them. */
function isSame(a: Descriptor, b: Descriptor): boolean {
  return a.digest === b.digest && a.size === b.size;
}

function refusal(code: IssueCode, name: string, problem: string): RefusedBlob {
  return { name, issue: { code, message: `${excerpt(name)} ${problem}`, path: name } };
}
