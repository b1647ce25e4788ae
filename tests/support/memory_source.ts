/** A model that lies in memory. */

import { Buffer } from "node:buffer";
import type { Issue } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { ByteRange, Entry, EnumerationRules, ManifestSource } from "../../core/source.ts";

/** Content of a file; an issue for an entry that is refused, an error for one that cannot be read. */
export type MemoryFile = string | Uint8Array | Issue | Error;

/** What can be said of a {@link MemorySource} besides its files. */
export type MemorySourceOptions = {
  readonly name?: string;
  readonly singleFile?: boolean;
  readonly ignorePaths?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
};

/** A model made of path and content. Applies the filter as a source must. */
export class MemorySource implements ManifestSource {
  readonly name: string;
  readonly singleFile: boolean;
  readonly ignorePaths: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  /** How often the model was enumerated. */
  enumerations = 0;
  readonly #files: Readonly<Record<string, MemoryFile>>;

  constructor(files: Readonly<Record<string, MemoryFile>>, options: MemorySourceOptions = {}) {
    this.#files = files;
    this.name = options.name ?? "model";
    this.singleFile = options.singleFile ?? false;
    this.ignorePaths = options.ignorePaths ?? [];
    if (options.annotations) this.annotations = options.annotations;
  }

  async *entries({ filter }: EnumerationRules, _options: RunOptions): AsyncGenerator<Entry> {
    this.enumerations++;
    const named = new Set<string>();
    for (const [path, content] of Object.entries(this.#files)) {
      const ignoredAt = filter.leftOut(path);
      if (ignoredAt !== undefined) {
        if (filter.names(ignoredAt) && !named.has(ignoredAt)) {
          named.add(ignoredAt);
          yield { kind: "ignored", path: ignoredAt };
        }
        continue;
      }
      yield entry(path, content);
    }
  }
}

function entry(path: string, content: MemoryFile): Entry {
  if (content instanceof Error) return failing(path, content);
  if (typeof content === "object" && "code" in content) {
    return { kind: "refused", path, issue: content };
  }
  const bytes = Buffer.from(content as string | Uint8Array);
  return {
    kind: "file",
    path,
    size: bytes.length,
    open: ({ start, end }: ByteRange = { start: 0, end: bytes.length }) =>
      new Blob([bytes.subarray(start, end)]).stream(),
  };
}

function failing(path: string, error: Error): Entry {
  return {
    kind: "file",
    path,
    size: 1,
    open: () => new ReadableStream({ start: (controller) => controller.error(error) }),
  };
}
