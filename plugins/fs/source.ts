/** A model on the file system, opened. */

import process from "node:process";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { compareCodePoints } from "../../core/path.ts";
import type { Entry, EnumerationRules, ManifestSource } from "../../core/source.ts";
import { readIgnorePath } from "./ignore_paths.ts";
import { type ModelRoot, openRoot } from "./root.ts";
import { signaturePaths } from "./signature_paths.ts";
import { singleFileEntry, walk } from "./walk.ts";

/** How a model is opened. `signal` and `logger` of the run apply to the opening. */
export type FileSystemOptions = RunOptions & {
  /**
   * What to leave out, as the user wrote it: absolute, relative to the model's root, or relative to the
   * current folder. Literal, no globs. One outside the model leaves nothing out, and is logged as a warning.
   */
  readonly ignorePaths?: readonly string[];
  /** Path of the signature file, which need not exist. It is left out when it lies inside the model. */
  readonly signature?: string;
  /** Absolute path of the folder that relative paths start from. Default: the process's own. */
  readonly cwd?: string;
};

/**
 * Opens a directory or a single file as a model.
 *
 * `path` itself may be a symbolic link: the user named it, so it is followed, and the model is called by
 * the link's name. What lies inside is held to the enumeration's rules.
 *
 * @throws {ModelSigningError} `MODEL_NOT_FOUND`; `MODEL_REFUSED` for a FIFO, socket or device, which is never
 * opened; `MODEL_UNREADABLE`; `USAGE_IGNORE_PATH` for an ignore path that is empty, ambiguous or the model itself; `USAGE` when `path` is empty or `signature` is empty, a directory or the model
 * itself; `ABORTED`
 */
// deno-lint-ignore require-await -- opening a model is asynchronous in the contract; faults reject
export async function fileSystemSource(
  path: string,
  options: FileSystemOptions = {},
): Promise<FileSystemSource> {
  throwIfAborted(options.signal);
  const cwd = options.cwd ?? currentFolder();
  const root = openRoot(path, cwd);
  const ignored = new Set<string>();
  for (const typed of options.ignorePaths ?? []) {
    const name = readIgnorePath(typed, root, cwd, options.logger);
    if (name !== undefined) ignored.add(name);
  }
  if (options.signature !== undefined) {
    for (const name of signaturePaths(options.signature, root, cwd)) ignored.add(name);
  }
  return new FileSystemSource(root, [...ignored].sort(compareCodePoints));
}

/** A directory or a file as a model. Made by {@link fileSystemSource}. */
export class FileSystemSource implements ManifestSource {
  /**
   * The last component of the path that the user gave. When that is `.` or `..`, of the directory it
   * stands for; `root` for a file system's root, which has no name.
   */
  readonly name: string;
  /** True when the model is one file. */
  readonly singleFile: boolean;
  /** What the user excluded and, when it lies inside, the signature file; in code point order. */
  readonly ignorePaths: readonly string[];
  /** Absolute path of the directory or file, free of symbolic links. */
  readonly path: string;

  /** Takes ignore paths that are canonical and relative to the root. */
  constructor(root: ModelRoot, ignorePaths: readonly string[]) {
    this.name = root.name;
    this.singleFile = root.singleFile;
    this.path = root.path;
    this.ignorePaths = ignorePaths;
  }

  /**
   * Lists the model as it is now. Directories are read in bursts between which other tasks run, so a
   * signal or timer is served at once.
   *
   * @throws {ModelSigningError} from the iterator: `ABORTED`; `MODEL_NOT_FOUND`, `MODEL_UNREADABLE` or
   * `MODEL_REFUSED` when the root itself cannot be listed any more, or when there are more entries than a
   * signature can hold
   */
  async *entries(rules: EnumerationRules, options: RunOptions): AsyncGenerator<Entry, void, void> {
    if (this.singleFile) {
      throwIfAborted(options.signal);
      const entry = singleFileEntry(this.path, this.name, rules);
      if (entry !== undefined) yield entry;
    } else {
      yield* walk(this.path, rules, options);
    }
  }
}

function currentFolder(): string {
  try {
    return process.cwd();
  } catch (cause) {
    throw new ModelSigningError("MODEL_UNREADABLE", "cannot tell the current folder", { cause });
  }
}
