/** Manifests and indexes of OCI and of Docker's schema 2. */

import { ModelSigningError } from "../../core/errors.ts";
import { isObject, type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { type Descriptor, parseDescriptor, parseListed } from "./descriptor.ts";
import { MAX_MANIFEST_BYTES, MAX_MANIFEST_VALUES } from "./limits.ts";
import {
  type IndexMediaType,
  isIndexMediaType,
  isManifestMediaType,
  type ManifestMediaType,
  OCI_INDEX,
  OCI_MANIFEST,
} from "./media_types.ts";
import {
  type Annotations,
  annotationsOf,
  listOf,
  malformed,
  mediaTypeOf,
  objectOf,
} from "./members.ts";

/** An image manifest: a config and layers. There may be no layer. */
export type ImageManifest = {
  readonly kind: "manifest";
  readonly mediaType: ManifestMediaType;
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
  /** What the artifact is, when the config's media type does not say it. */
  readonly artifactType?: string;
  /** The manifest that this one is about. */
  readonly subject?: Descriptor;
  readonly annotations?: Annotations;
};

/** An index: manifests, often of several platforms. */
export type ImageIndex = Pick<ImageManifest, "artifactType" | "subject" | "annotations"> & {
  readonly kind: "index";
  readonly mediaType: IndexMediaType;
  readonly manifests: readonly Descriptor[];
};

/** What a reference can lead to. */
export type OciManifest = ImageManifest | ImageIndex;

/** What is known of a document before it is read. */
export type ManifestHints = {
  /** The media type that it was served or described with; a general one such as `application/json` says nothing. */
  readonly mediaType?: string;
  /** Names it in messages, safe to print. Default "the manifest". */
  readonly name?: string;
};

/** Entries that cannot be read, and are told of. */
const MAX_TOLD = 10;

/** Types that servers and files without knowledge of manifests go by. */
const GENERAL_TYPES: readonly string[] = [
  "application/json",
  "application/octet-stream",
  "text/plain",
];

/**
 * Parses a manifest or an index. Unknown members are skipped; what is read has to be well-formed, and the media
 * type that it was served with, the one that it states and its members have to agree: two readers of one
 * document must not take it for different things (CVE-2021-41190).
 *
 * @throws {ModelSigningError} `OCI_MANIFEST`
 */
export function parseManifest(bytes: Uint8Array, hints: ManifestHints = {}): OciManifest {
  const { json, mediaType, name } = documentIn(bytes, hints);
  const common = commonMembers(json, name);
  if (isIndexMediaType(mediaType)) {
    const manifests = listed(json, name).map(({ value, where }) =>
      parseListed(objectOf(value, where), where)
    );
    return { kind: "index", mediaType, manifests, ...common };
  }
  const config = `config of ${name}`;
  return {
    kind: "manifest",
    mediaType,
    config: parseDescriptor(objectOf(json["config"], config), config),
    layers: descriptors(json["layers"], `layers of ${name}`),
    ...common,
  };
}

/** The entries of an index that others add to. */
export type IndexEntries = {
  readonly manifests: readonly Descriptor[];
  /** Why others cannot be read: one bad entry must not keep anybody from the rest. */
  readonly problems: readonly ModelSigningError[];
};

/**
 * Parses an index that others add to, such as a list of referrers: what is wrong with an entry is no fault of the index.
 *
 * @throws {ModelSigningError} `OCI_MANIFEST`
 */
export function parseIndex(bytes: Uint8Array, hints: ManifestHints): IndexEntries {
  const { json, mediaType, name } = documentIn(bytes, hints);
  if (!isIndexMediaType(mediaType)) throw malformed(`${name} is a manifest, expected an index`);
  const manifests: Descriptor[] = [];
  const problems: ModelSigningError[] = [];
  // Go's encoder writes null for a list that was never made.
  const entries = json["manifests"] === null ? [] : listed(json, name);
  for (const { value, where } of entries) {
    try {
      manifests.push(parseListed(objectOf(value, where), where));
    } catch (error) {
      if (!(error instanceof ModelSigningError)) throw error;
      problems.push(error);
    }
  }
  return { manifests, problems };
}

/** {@link parseIndex} for those who go on with what can be read, and say so. */
export function manifestsIn(
  bytes: Uint8Array,
  hints: ManifestHints,
  { logger }: RunOptions,
): readonly Descriptor[] {
  const { manifests, problems } = parseIndex(bytes, hints);
  for (const { message } of problems.slice(0, MAX_TOLD)) {
    logger?.log("warn", "an entry is passed over, since it cannot be read", { problem: message });
  }
  return manifests;
}

type Item = { readonly value: Json; readonly where: string };

function listed(json: JsonObject, name: string): readonly Item[] {
  const list = `manifests of ${name}`;
  return listOf(json["manifests"], list).map((value, index) => ({
    value,
    where: `${list}[${index}]`,
  }));
}

/** A document whose kind is clear. */
function documentIn(
  bytes: Uint8Array,
  { mediaType: served, name = "the manifest" }: ManifestHints,
): {
  readonly json: JsonObject;
  readonly mediaType: ManifestMediaType | IndexMediaType;
  readonly name: string;
} {
  if (bytes.length > MAX_MANIFEST_BYTES) {
    throw malformed(`${name} has ${bytes.length} bytes, more than ${MAX_MANIFEST_BYTES}`);
  }
  const expected = knownType(served, `${name} was served as`);
  const json = objectIn(bytes, name);
  // Docker's schema 1 has another number here, and no descriptors.
  if (json["schemaVersion"] !== 2) {
    throw malformed(`${name} has schemaVersion ${shown(json["schemaVersion"])}, expected 2`);
  }
  const mediaType = agreedType(json, expected, name);
  const foreign = isIndexMediaType(mediaType) ? ["layers", "config"] : ["manifests"];
  if (foreign.some((member) => json[member] !== undefined)) {
    throw malformed(`${name} has the members of a manifest and of an index`);
  }
  return { json, mediaType, name };
}

/** The JSON object in a document. Throws `OCI_MANIFEST`. */
export function objectIn(bytes: Uint8Array, name: string): JsonObject {
  try {
    const json = parseJson(bytes, MAX_MANIFEST_VALUES);
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw malformed(`${name} is no JSON: ${error.message}`);
  }
  throw malformed(`${name} is no JSON object`);
}

/** The type that the document states, or else was served with, or else looks like. */
function agreedType(
  json: JsonObject,
  served: ManifestMediaType | IndexMediaType | undefined,
  name: string,
): ManifestMediaType | IndexMediaType {
  const stated = json["mediaType"] === undefined
    ? undefined
    : knownType(mediaTypeOf(json["mediaType"], `mediaType of ${name}`), `${name} states to be`);
  if (stated !== undefined && served !== undefined && stated !== served) {
    throw malformed(`${name} was served as ${excerpt(served)} and states to be ${excerpt(stated)}`);
  }
  return stated ?? served ?? (json["manifests"] === undefined ? OCI_MANIFEST : OCI_INDEX);
}

/** A type that is understood; undefined for none and for a general one. */
function knownType(
  mediaType: string | undefined,
  what: string,
): ManifestMediaType | IndexMediaType | undefined {
  // Parameters, such as a charset, do not make another document of it.
  const essence = mediaType?.replace(/;.*$/s, "").trim().toLowerCase();
  if (essence === undefined || GENERAL_TYPES.includes(essence)) return undefined;
  if (isManifestMediaType(essence)) return essence;
  throw malformed(`${what} ${excerpt(essence)}, expected a manifest or an index of OCI or Docker`);
}

function commonMembers(
  json: JsonObject,
  name: string,
): Pick<ImageManifest, "artifactType" | "subject" | "annotations"> {
  const { artifactType, subject } = json;
  const annotations = annotationsOf(json["annotations"], `annotations of ${name}`);
  return {
    ...(artifactType === undefined || artifactType === ""
      ? {}
      : { artifactType: mediaTypeOf(artifactType, `artifactType of ${name}`) }),
    ...(subject === undefined || subject === null ? {} : {
      subject: parseDescriptor(objectOf(subject, `subject of ${name}`), `subject of ${name}`),
    }),
    ...(annotations === undefined ? {} : { annotations }),
  };
}

function descriptors(value: Json | undefined, where: string): Descriptor[] {
  return listOf(value, where).map((item, index) =>
    parseDescriptor(objectOf(item, `${where}[${index}]`), `${where}[${index}]`)
  );
}

function shown(value: Json | undefined): string {
  return typeof value === "number" ? String(value) : value === undefined ? "missing" : "of no kind";
}
