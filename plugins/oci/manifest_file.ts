/** A manifest that lies in a file, such as `skopeo inspect --raw` writes. */

import { open } from "node:fs/promises";
import { basename, resolve } from "node:path";
import {
  type ErrorDetails,
  ModelSigningError,
  systemCode,
  systemReason,
} from "../../core/errors.ts";
import { hintedSource, type Hints, withHints } from "../../core/hint.ts";
import { isObject, type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { READ_ONLY, readStart } from "../../core/open_file.ts";
import type { RunOptions } from "../../core/options.ts";
import type { SourceProvider } from "../../core/plugin.ts";
import type { ManifestSource } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import { digestOf } from "./digest.ts";
import { statedEntry } from "./entries.ts";
import { canonicalPaths, IGNORE_PATHS, ignoredPaths, USAGE_IGNORE_PATH } from "./ignore_paths.ts";
import { MAX_MANIFEST_BYTES, MAX_MANIFEST_VALUES } from "./limits.ts";
import { type OciManifest, parseManifest } from "./manifest.ts";
import { isManifestMediaType } from "./media_types.ts";
import type { OciModelOptions } from "./open_model.ts";
import { platformsOf } from "./platform.ts";
import { ociRoles } from "./roles.ts";
import { OciSource } from "./source.ts";

const HINTS: Hints = {
  ENTRY_UNREADABLE: "the layers can be read where the model is: oci://... --deep",
  MODEL_REFUSED: "--source file takes it for a model of one file",
  OCI_INDEX: "name the model where it is, and pick one: oci://... --platform OS/ARCH",
  USAGE_IGNORE_PATH,
};

/** Manifests in files. */
export const manifestFile: SourceProvider = {
  kind: "source",
  id: "oci-manifest",
  summary: "an OCI or Docker image manifest in a file",
  options: [IGNORE_PATHS],
  open: async (path, settings, options) => {
    const ignorePaths = ignoredPaths(settings);
    const open = () => manifestFileSource(path, { ...options, ignorePaths });
    return { source: hintedSource(await withHints(HINTS, open), HINTS) };
  },
  recognizes: isManifestFile,
  roles: ociRoles,
};

/**
 * Whether a file is to be read as a manifest: it is a well-formed one and nothing else, or says by its media type that it
 * is one, and then what is wrong with it is to be told. Other JSON with a `schemaVersion` is a file like any other: who
 * signs it as a manifest signs files that lie elsewhere.
 */
export async function isManifestFile(path: string): Promise<boolean> {
  let bytes: Uint8Array | undefined;
  try {
    bytes = await readManifest(path);
    if (bytes === undefined) return false;
    parseManifest(bytes);
    return isNothingElse(bytes);
  } catch (error) {
    if (!(error instanceof ModelSigningError)) throw error;
    return bytes !== undefined && statesToBeManifest(bytes);
  }
}

/** How a manifest file is opened. `logger` of the run applies to the opening. */
export type ManifestFileOptions = RunOptions & Pick<OciModelOptions, "ignorePaths">;

/**
 * Opens a manifest file as a model, of which the layers' names and digests are known and nothing else.
 *
 * @throws {ModelSigningError} `MODEL_NOT_FOUND`, `MODEL_UNREADABLE`, `MODEL_REFUSED` for what is no manifest, `OCI_INDEX`,
 * `MODEL_EMPTY`, `USAGE_IGNORE_PATH`
 */
export async function manifestFileSource(
  path: string,
  options: ManifestFileOptions = {},
): Promise<ManifestSource> {
  const ignorePaths = canonicalPaths(options.ignorePaths ?? []);
  const shown = quote(path);
  const bytes = await readManifest(path);
  if (bytes === undefined) {
    const problem = `has more than the ${MAX_MANIFEST_BYTES} bytes that a manifest may have`;
    throw refused(`${shown} ${problem}`);
  }
  let manifest: OciManifest;
  try {
    manifest = parseManifest(bytes, { name: `manifest ${shown}` });
  } catch (cause) {
    if (!(cause instanceof ModelSigningError)) throw cause;
    throw refused(cause.message, { cause });
  }
  if (manifest.kind === "index") {
    throw new ModelSigningError(
      "OCI_INDEX",
      `${shown} is an index of manifests for ${platformsOf(manifest)}, expected one manifest`,
    );
  }
  const digest = digestOf(bytes);
  options.logger?.log("info", "reading the model from a manifest", { path, digest });
  return new OciSource({
    name: basename(resolve(path)),
    manifest,
    digest,
    ignorePaths,
    entryOf: statedEntry,
  });
}

/** The file, or undefined when it is too large for a manifest. */
async function readManifest(path: string): Promise<Uint8Array | undefined> {
  try {
    await using file = await open(path, READ_ONLY);
    const facts = await file.stat();
    if (!facts.isFile()) {
      throw refused(`model ${quote(path)} is no regular file`, {
        hint: "write the manifest to a file",
      });
    }
    if (facts.size > MAX_MANIFEST_BYTES) return undefined;
    const bytes = await readStart(file, MAX_MANIFEST_BYTES + 1);
    return bytes.length > MAX_MANIFEST_BYTES ? undefined : bytes;
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    if (systemCode(error) === "ENOENT") {
      throw new ModelSigningError("MODEL_NOT_FOUND", `model ${quote(path)} does not exist`, {
        cause: error,
      });
    }
    throw new ModelSigningError(
      "MODEL_UNREADABLE",
      `cannot read model ${quote(path)}: ${systemReason(error)}`,
      { cause: error },
    );
  }
}

/** The members of manifests and indexes (OCI image 1.1). */
const MEMBERS: readonly string[] = [
  ...["schemaVersion", "mediaType", "artifactType", "config", "layers", "manifests"],
  ...["subject", "annotations"],
];

/** Whether a manifest has no members that another kind of file would have. */
function isNothingElse(bytes: Uint8Array): boolean {
  const members = Object.keys(parseJson(bytes, MAX_MANIFEST_VALUES) as JsonObject);
  return members.every((name) => MEMBERS.includes(name)) || statesToBeManifest(bytes);
}

function statesToBeManifest(bytes: Uint8Array): boolean {
  let json: Json;
  try {
    json = parseJson(bytes, MAX_MANIFEST_VALUES);
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
  const mediaType = isObject(json) ? json["mediaType"] : undefined;
  return typeof mediaType === "string" && isManifestMediaType(mediaType);
}

function refused(message: string, details: ErrorDetails = {}): ModelSigningError {
  return new ModelSigningError("MODEL_REFUSED", message, details);
}
