/** Brings the layers of a manifest to a folder. */

import { randomBytes } from "node:crypto";
import { constants } from "node:fs";
import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname, join, resolve } from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason, throwIfAborted } from "../../core/errors.ts";
import { traced } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { isAtOrBelowAny, pathProblem } from "../../core/path.ts";
import type { Puller } from "../../core/source.ts";
import { excerpt, quote } from "../../core/text.ts";
import type { NamedBlob } from "./naming.ts";
import type { OciSource } from "./source.ts";
import type { OciReader } from "./store.ts";
import { PullProgress } from "./pull_progress.ts";
import { holdsLayers } from "./pulled_folder.ts";

/**
 * Writes each layer as the file that its resource is named after. The config blob is no file, archives stay packed, and
 * what the user left out is left out here, too: nothing vouches for it.
 */
export class OciPuller implements Puller {
  readonly #store: OciReader;
  readonly #source: Pick<OciSource, "blobs" | "ignorePaths">;

  constructor(store: OciReader, source: Pick<OciSource, "blobs" | "ignorePaths">) {
    this.#store = store;
    this.#source = source;
  }

  /**
   * Writes to a temporary folder beside `folder`, which takes its name when all is there and has been checked. A folder
   * that is this model already stays as it is.
   *
   * @throws {ModelSigningError} `MODEL_REFUSED` for a layer without a safe name, `FILE_UNWRITABLE`, what the registry or
   * layout throws, `ABORTED`
   */
  async pull(folder: string, options: RunOptions): Promise<void> {
    throwIfAborted(options.signal);
    const layers = this.#layers();
    for (const { name, isArchive } of layers) {
      if (!isArchive) continue;
      options.logger?.log("warn", "a layer is an archive and is written as it is, not unpacked", {
        path: name,
      });
    }
    const target = resolve(folder);
    if (await exists(target, folder)) return await requireSame(target, folder, layers, options);
    // Does not grow with the folder's name, which may already have the most bytes that a name can have.
    const temporary = join(dirname(target), `.model-signing.${randomBytes(8).toString("hex")}.tmp`);
    await traced(options, "oci.pull", async (inner) => {
      try {
        await written(folder, () => mkdir(temporary, 0o755));
        await this.#write(layers, temporary, inner);
        if (await exists(target, folder)) throw unwritable(folder, "it exists already");
        await written(folder, () => rename(temporary, target));
      } catch (error) {
        // The failure that led here is the one to report, not that of the removal.
        await rm(temporary, { recursive: true, force: true }).catch(() => {});
        throw error;
      }
    }, { attributes: { layers: layers.length }, details: { folder } });
  }

  #layers(): readonly NamedBlob[] {
    const ignored = new Set(this.#source.ignorePaths);
    const wanted = this.#source.blobs.filter(({ name }) => !isAtOrBelowAny(name, ignored));
    const issues = wanted.flatMap((blob) => {
      if ("issue" in blob) return [blob.issue];
      const { name: path } = blob;
      const problem = blob.isLayer && pathProblem(path, process.platform === "win32");
      if (!problem) return [];
      return [{ code: "ENTRY_NAME" as const, message: `${excerpt(path)} ${problem}`, path }];
    });
    if (issues.length > 0) {
      throw new ModelSigningError("MODEL_REFUSED", "the model has layers that cannot be written", {
        issues,
      });
    }
    return wanted.filter((blob): blob is NamedBlob => "isLayer" in blob && blob.isLayer);
  }

  async #write(
    layers: readonly NamedBlob[],
    folder: string,
    options: RunOptions,
  ): Promise<void> {
    const stop = new AbortController();
    const signal = options.signal ? AbortSignal.any([options.signal, stop.signal]) : stop.signal;
    using progress = new PullProgress(layers, options.observer);
    const queue = layers.toSorted((a, b) => a.descriptor.size - b.descriptor.size);
    let failure: { readonly error: unknown } | undefined;
    const worker = async () => {
      for (let layer = queue.pop(); layer && !stop.signal.aborted; layer = queue.pop()) {
        try {
          await this.#writeLayer(layer, folder, { ...options, signal }, progress);
        } catch (error) {
          failure ??= { error };
          stop.abort();
        }
      }
    };
    await Promise.all(Array.from({ length: availableParallelism() }, worker));
    throwIfAborted(options.signal);
    if (failure) throw failure.error;
  }

  async #writeLayer(
    { name, descriptor }: NamedBlob,
    folder: string,
    options: RunOptions,
    progress: PullProgress,
  ): Promise<void> {
    const path = join(folder, ...name.split("/"));
    await written(name, () => mkdir(dirname(path), { recursive: true, mode: 0o755 }));
    // Exclusive: on a file system without case, two names may be one file.
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;
    await using file = await written(name, () => open(path, flags, 0o644));
    const stream = await this.#store.blob(descriptor, options);
    progress.begin(name);
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      throwIfAborted(options.signal);
      await written(name, () => file.writeFile(chunk));
      progress.add(chunk.length);
    }
    progress.end();
  }
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
  target: string,
  shown: string,
  layers: readonly NamedBlob[],
  options: RunOptions,
): Promise<void> {
  const same = await holdsLayers(target, layers, options.signal).catch((error) => {
    if (error instanceof ModelSigningError) throw error;
    throw unwritable(shown, systemReason(error), error);
  });
  if (!same) throw unwritable(shown, "it exists already, and is not this model");
  options.logger?.log("info", "the model is there already", { folder: shown });
}

/** Names what could not be written. */
async function written<T>(name: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const reason = systemCode(error) === "EEXIST"
      ? "another layer has the same name here, or lies below it"
      : systemReason(error);
    throw unwritable(name, reason, error);
  }
}

function unwritable(name: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("FILE_UNWRITABLE", `cannot write ${quote(name)}: ${reason}`, {
    ...(cause === undefined ? {} : { cause }),
  });
}
