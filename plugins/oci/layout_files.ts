/** The files of a layout, read and written without ever leaving it. */

import type { Stats } from "node:fs";
import { type FileHandle, lstat, mkdir, open, realpath } from "node:fs/promises";
import { isAbsolute, join, relative, sep } from "node:path";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { writeFileAtomically } from "../../core/files.ts";
import { READ_ONLY_NO_FOLLOW, readStart } from "../../core/open_file.ts";
import { quote } from "../../core/text.ts";

/** Bytes of one read. */
const READ_BYTES: number = 256 * 1024;

/** Files below a folder. Symbolic links are followed only to places inside of it. */
export class LayoutFiles {
  readonly #folder: string;

  /** Opens nothing yet. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Reads a small file as a whole; undefined when there is none. Throws `FILE_UNREADABLE`. */
  async read(name: string, maxBytes: number): Promise<Uint8Array | undefined> {
    const opened = await this.#open(name);
    if (!opened) return undefined;
    await using file = opened.file;
    if (opened.size > maxBytes) {
      throw this.#unreadable(name, `it has ${opened.size} bytes, more than ${maxBytes}`);
    }
    // A byte more than it should have, to notice one that grows.
    const bytes = await readStart(file, opened.size + 1);
    if (bytes.length > opened.size) throw this.#unreadable(name, "it grew while it was read");
    return bytes;
  }

  /** Reads a file as it goes; undefined when there is none. Throws `FILE_UNREADABLE`, in the stream too. */
  async stream(name: string): Promise<ReadableStream<Uint8Array> | undefined> {
    const opened = await this.#open(name);
    if (!opened) return undefined;
    const { file } = opened;
    const unreadable = (error: unknown) => this.#unreadable(name, systemReason(error), error);
    return new ReadableStream<Uint8Array>({
      async pull(controller) {
        const buffer = new Uint8Array(READ_BYTES);
        try {
          const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
          if (bytesRead > 0) return controller.enqueue(buffer.subarray(0, bytesRead));
        } catch (error) {
          await file.close();
          throw unreadable(error);
        }
        await file.close();
        controller.close();
      },
      cancel: () => file.close(),
    }, { highWaterMark: 0 });
  }

  /** Where a regular file really is, and its facts; undefined when there is none. Throws `FILE_UNREADABLE`. */
  async locate(
    name: string,
  ): Promise<{ readonly path: string; readonly stats: Stats } | undefined> {
    try {
      const path = await this.#realPath(name);
      const stats = await lstat(path);
      if (!stats.isFile()) throw this.#unreadable(name, "it is not a regular file");
      return { path, stats };
    } catch (error) {
      if (error instanceof ModelSigningError) throw error;
      if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
      throw this.#unreadable(name, systemReason(error), error);
    }
  }

  /** Writes a file, and the folders above it that are missing; to a temporary one first. Throws `FILE_UNWRITABLE`. */
  async write(name: string, bytes: Uint8Array): Promise<void> {
    const path = join(this.#folder, name);
    try {
      for (const folder of foldersAbove(name)) {
        await mkdir(join(this.#folder, folder)).catch((error) => {
          if (systemCode(error) !== "EEXIST") throw error;
        });
        await this.#realPath(folder);
      }
    } catch (error) {
      if (error instanceof ModelSigningError) throw error;
      throw new ModelSigningError(
        "FILE_UNWRITABLE",
        `cannot write ${quote(path)}: ${systemReason(error)}`,
        { cause: error },
      );
    }
    await writeFileAtomically(path, bytes);
  }

  async #open(
    name: string,
  ): Promise<{ readonly file: FileHandle; readonly size: number } | undefined> {
    let file: FileHandle | undefined;
    try {
      file = await open(await this.#realPath(name), READ_ONLY_NO_FOLLOW);
      const facts = await file.stat();
      if (!facts.isFile()) throw this.#unreadable(name, "it is not a regular file");
      return { file, size: facts.size };
    } catch (error) {
      await file?.close();
      if (error instanceof ModelSigningError) throw error;
      if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
      throw this.#unreadable(name, systemReason(error), error);
    }
  }

  /** Where a file really is. Throws `FILE_UNREADABLE` when that is outside. */
  async #realPath(name: string): Promise<string> {
    const root = await realpath(this.#folder);
    const path = await realpath(join(this.#folder, name));
    const inside = relative(root, path);
    if (inside === ".." || inside.startsWith(`..${sep}`) || isAbsolute(inside)) {
      throw this.#unreadable(name, "it is a symbolic link that leads out of the layout");
    }
    return path;
  }

  #unreadable(name: string, reason: string, cause?: unknown): ModelSigningError {
    return new ModelSigningError(
      "FILE_UNREADABLE",
      `cannot read ${quote(join(this.#folder, name))}: ${reason}`,
      cause === undefined ? {} : { cause },
    );
  }
}

/** `a` and `a/b` for `a/b/c`. */
function foldersAbove(name: string): readonly string[] {
  const parts = name.split("/").slice(0, -1);
  return parts.map((_, index) => parts.slice(0, index + 1).join("/"));
}
