/** A manifest's content as a model. */

import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { pathProblem } from "../../core/path.ts";
import type { Entry, EnumerationRules, ManifestSource } from "../../core/source.ts";
import { excerpt, quote } from "../../core/text.ts";
import { MANIFEST_DIGEST, OCI_SOURCE, SOURCE } from "./annotations.ts";
import type { OciDigest } from "./digest.ts";
import type { EntryOf } from "./entries.ts";
import type { ImageManifest } from "./manifest.ts";
import { nameBlobs, type NamedBlob, type RefusedBlob } from "./naming.ts";

/** What a model is made of. */
export type OciSourceInput = {
  /** For `subject[0].name`. */
  readonly name: string;
  readonly manifest: ImageManifest;
  /** Of the manifest's own bytes. */
  readonly digest: OciDigest;
  /** What the user excluded, canonical. */
  readonly ignorePaths: readonly string[];
  /** How a blob is found. */
  readonly entryOf: EntryOf;
};

/** The layers and the config blob of a manifest. */
export class OciSource implements ManifestSource {
  readonly name: string;
  /** Binds the manifest as a whole: also what no resource tells, such as its annotations and the layers' order. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly singleFile = false;
  readonly ignorePaths: readonly string[];
  /** A layer `.gitattributes` was pushed to be a part of the model, and the Go tool signs it. */
  readonly ignoreGitPaths = false;
  /** Everything that the manifest lists. */
  readonly blobs: readonly (NamedBlob | RefusedBlob)[];
  readonly #entryOf: EntryOf;

  /**
   * Takes a manifest whose digest was checked.
   *
   * @throws {ModelSigningError} `MODEL_EMPTY` when it has no layers
   */
  constructor({ name, manifest, digest, ignorePaths, entryOf }: OciSourceInput) {
    if (manifest.layers.length === 0) {
      throw new ModelSigningError("MODEL_EMPTY", `the manifest of ${quote(name)} lists no layers`);
    }
    this.name = name;
    this.annotations = { [SOURCE]: OCI_SOURCE, [MANIFEST_DIGEST]: digest };
    this.ignorePaths = ignorePaths;
    this.blobs = nameBlobs(manifest);
    this.#entryOf = entryOf;
  }

  /** Lists the blobs under the names of their resources. Throws `ABORTED` from the iterator. */
  async *entries(rules: EnumerationRules, options: RunOptions): AsyncGenerator<Entry, void, void> {
    const ignored = new Set<string>();
    throwIfAborted(options.signal);
    for (const blob of this.blobs) {
      const left = rules.filter.leftOut(blob.name);
      if (left === undefined) {
        yield await this.#entry(blob, rules, options);
      } else if (rules.filter.names(left) && !ignored.has(left)) {
        ignored.add(left);
        yield { kind: "ignored", path: left };
      }
      throwIfAborted(options.signal);
    }
  }

  async #entry(
    blob: NamedBlob | RefusedBlob,
    rules: EnumerationRules,
    options: RunOptions,
  ): Promise<Entry> {
    const { name: path } = blob;
    if ("issue" in blob) return { kind: "refused", path, issue: blob.issue };
    const problem = pathProblem(path, rules.windowsNames);
    if (problem === undefined) return await this.#entryOf(blob, options);
    const message = `${excerpt(path)} ${problem}`;
    return { kind: "refused", path, issue: { code: "ENTRY_NAME", message, path } };
  }
}
