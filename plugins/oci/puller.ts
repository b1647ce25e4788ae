/** Brings the layers of a manifest to a folder. */

import { randomBytes } from "node:crypto";
import { lstat, mkdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import {
  type Issue,
  ModelSigningError,
  systemCode,
  systemReason,
  throwIfAborted,
} from "../../core/errors.ts";
import type { HasherFactory } from "../../core/hasher.ts";
import { traced } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { pathProblem } from "../../core/path.ts";
import type { Entry, Puller, PullInput } from "../../core/source.ts";
import { excerpt, quote } from "../../core/text.ts";
import { fetchedEntries } from "./entries.ts";
import type { NamedBlob, RefusedBlob } from "./naming.ts";
import { differenceOf } from "./pulled_folder.ts";
import type { OciSource } from "./source.ts";
import type { OciReader } from "./store.ts";

/** One pull: to `folder`, as the user calls `target`. */
type Pull = Pick<PullInput, "folder" | "hasher"> & {
  readonly target: string;
  readonly layers: readonly NamedBlob[];
};

/**
 * Writes each blob as the file that its resource is named after; archives stay packed. What is signed as a file is
 * written, be it a layer or the config blob, and nothing else.
 */
export class OciPuller implements Puller {
  readonly #store: OciReader;
  readonly #source: Pick<OciSource, "blobs">;

  constructor(store: OciReader, source: Pick<OciSource, "blobs">) {
    this.#store = store;
    this.#source = source;
  }

  /**
   * Writes to a temporary folder beside `folder`, which takes its name when all is there and has been checked. A folder
   * that is this model already stays as it is.
   *
   * @throws {ModelSigningError} `MODEL_REFUSED` for a layer without a safe name, `FILE_UNWRITABLE`, what the registry or
   * layout throws, what the hasher throws, `ABORTED`
   */
  async pull({ folder, hasher, ...paths }: PullInput, options: RunOptions): Promise<void> {
    throwIfAborted(options.signal);
    const layers = this.#layers(paths, options);
    for (const { name, isArchive } of layers) {
      if (!isArchive) continue;
      options.logger?.log("warn", "a layer is an archive and is written as it is, not unpacked", {
        path: name,
      });
    }
    await traced(options, "oci.pull", async (inner) => {
      const target = resolve(folder);
      if (await exists(target, folder)) {
        await requireSame({ folder, hasher, target, layers }, inner);
      } else {
        await this.#create({ folder, hasher, target, layers }, inner);
      }
    }, { attributes: { layers: layers.length }, details: { folder } });
  }

  async #create(
    { folder, hasher, target, layers }: Pull,
    options: RunOptions,
  ): Promise<void> {
    const parent = dirname(target);
    const made = await written(folder, () => mkdir(parent, { recursive: true, mode: 0o755 }));
    // Does not grow with the folder's name, which may already have the most bytes that a name can have.
    const temporary = join(parent, `.model-signing.${randomBytes(8).toString("hex")}.tmp`);
    try {
      await written(folder, () => mkdir(temporary, 0o755));
      await this.#write(layers, temporary, hasher, options);
      throwIfAborted(options.signal);
      if (await exists(target, folder)) throw unwritable(folder, "it exists already");
      await written(folder, () => rename(temporary, target));
    } catch (error) {
      // The failure that led here is the one to report, not that of the removal.
      await rm(temporary, { recursive: true, force: true }).catch(() => {});
      if (made !== undefined) await removeEmpty(parent, resolve(made));
      throw error;
    }
  }

  /** What is signed: nothing vouches for the rest, such as a layer below a path that the signature leaves out. */
  #layers(
    { signed, metadata }: Pick<PullInput, "signed" | "metadata">,
    { logger }: RunOptions,
  ): readonly NamedBlob[] {
    const isLayer = (blob: NamedBlob | RefusedBlob) => "isLayer" in blob && blob.isLayer;
    const wanted = this.#source.blobs.filter((blob) =>
      signed.has(blob.name) && (isLayer(blob) || !metadata?.has(blob.name))
    );
    for (const blob of this.#source.blobs) {
      if (signed.has(blob.name) || !isLayer(blob)) continue;
      logger?.log("warn", "a layer is not signed and is not written", { path: blob.name });
    }
    const issues = wanted.flatMap((blob) => {
      if ("issue" in blob) return [blob.issue];
      const { name: path } = blob;
      const problem = pathProblem(path, process.platform === "win32");
      if (!problem) return [];
      return [{ code: "ENTRY_NAME" as const, message: `${excerpt(path)} ${problem}`, path }];
    });
    if (issues.length > 0) {
      throw new ModelSigningError("MODEL_REFUSED", "the model has layers that cannot be written", {
        issues,
      });
    }
    return wanted.filter((blob): blob is NamedBlob => "descriptor" in blob);
  }

  async #write(
    layers: readonly NamedBlob[],
    folder: string,
    hasher: HasherFactory,
    options: RunOptions,
  ): Promise<void> {
    let fault: ModelSigningError | undefined;
    let making: Promise<unknown> = Promise.resolve();
    const entryOf = fetchedEntries(this.#store, (error) => fault ??= error);
    async function* entries(): AsyncGenerator<Entry> {
      for (const layer of layers.toSorted((a, b) => b.descriptor.size - a.descriptor.size)) {
        const copyTo = join(folder, ...layer.name.split("/"));
        making = mkdir(dirname(copyTo), { recursive: true, mode: 0o755 });
        await written(layer.name, () => making);
        yield { ...entryOf(layer, options), copyTo };
      }
    }
    await using hashing = hasher({ algorithm: "sha256", allowSymlinks: false });
    try {
      for await (const hashed of hashing.hash(entries(), options)) {
        if (hashed.kind === "issue") throw fault ?? faultOf(hashed.issue);
      }
    } finally {
      // Whoever removes the folder must not be overtaken by the making of another one in it.
      await making.catch(() => {});
    }
  }
}

/** What an issue means for a pull, for which there is no report. */
function faultOf(issue: Issue): ModelSigningError {
  const code = issue.code === "ENTRY_DIGEST" ? "OCI_DIGEST_MISMATCH" : "FILE_UNREADABLE";
  return new ModelSigningError(code, issue.message);
}

async function exists(target: string, shown: string): Promise<boolean> {
  const facts = await lstat(target).catch((error) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw unwritable(shown, systemReason(error), error);
  });
  return facts !== undefined;
}

/** Nothing of what is there is touched; if it is this model, nothing has to be. */
async function requireSame(
  { folder, hasher, target, layers }: Pull,
  options: RunOptions,
): Promise<void> {
  const difference = await differenceOf(target, layers, hasher, options).catch((error) => {
    if (error instanceof ModelSigningError) throw error;
    throw unwritable(folder, systemReason(error), error);
  });
  if (difference !== undefined) throw unwritable(folder, `it exists already, and ${difference}`);
  options.logger?.log("info", "the model is there already", { folder });
}

/** Removes folders that were made, from the innermost one to `outermost`, unless somebody else put something there. */
async function removeEmpty(innermost: string, outermost: string): Promise<void> {
  let folder = innermost;
  try {
    for (; folder !== outermost; folder = dirname(folder)) await rmdir(folder);
    await rmdir(outermost);
  } catch {
    // The failure that led here is the one to report.
  }
}

/** Names what could not be written. */
async function written<T>(name: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const reason = systemCode(error) === "EEXIST"
      ? "another file has the same name here, or lies below it"
      : systemReason(error);
    throw unwritable(name, reason, error);
  }
}

function unwritable(name: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("FILE_UNWRITABLE", `cannot write ${quote(name)}: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
