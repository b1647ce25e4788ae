/** The tarballs of npm packages: gzip around POSIX `ustar`, one folder at the top. */

import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";

/** Bytes. The largest package, Bun's runtime for Windows, unpacks to 115 MB. */
const MAX_UNPACKED = 512 * 1024 * 1024;
const BLOCK = 512;

/** A file in a package. */
export type PackedFile = {
  /** Below the top folder, with `/`. */
  readonly path: string;
  readonly content: Buffer;
  readonly executable: boolean;
};

/**
 * The files of a package.
 *
 * @throws {Error} when it holds anything but files and folders, or a path that leads elsewhere
 */
export function readTarball(tarball: Uint8Array): readonly PackedFile[] {
  const tar = gunzipSync(tarball, { maxOutputLength: MAX_UNPACKED });
  const files: PackedFile[] = [];
  let offset = 0;
  while (offset + BLOCK <= tar.length && tar[offset] !== 0) {
    const header = tar.subarray(offset, offset + BLOCK);
    const size = octal(header, 124, 12);
    const end = offset + BLOCK + size;
    if (end > tar.length) throw new Error("the tarball is cut off");
    const type = String.fromCharCode(header[156]!);
    if (type === "0" || type === "\0") {
      files.push({
        path: safePath(headerPath(header)),
        content: tar.subarray(offset + BLOCK, end),
        executable: (octal(header, 100, 8) & 0o100) !== 0,
      });
    } else if (type !== "5") {
      throw new Error(`the tarball holds an entry of the type "${type}"`);
    }
    offset += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}

/** Writes the files of a package into a folder, which is made. */
export function unpackTarball(tarball: Uint8Array, folder: string): void {
  for (const { path, content, executable } of readTarball(tarball)) {
    const target = join(folder, ...path.split("/"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, content, { mode: executable ? 0o755 : 0o644, flag: "wx" });
  }
}

function headerPath(header: Buffer): string {
  const text = (at: number, length: number) =>
    header.toString("utf8", at, at + length).replace(/\0.*$/s, "");
  const prefix = text(345, 155);
  return prefix === "" ? text(0, 100) : `${prefix}/${text(0, 100)}`;
}

/** The path without the top folder, whatever that is called. */
function safePath(path: string): string {
  const [, ...parts] = path.split("/");
  const unsafe = parts.length === 0 || path.includes("\\") || path.includes(":") ||
    parts.some((part) => part === "" || part === "." || part === "..");
  if (unsafe) {
    throw new Error(`the tarball holds a path that leads elsewhere: ${JSON.stringify(path)}`);
  }
  return parts.join("/");
}

function octal(header: Buffer, at: number, length: number): number {
  const text = header.toString("latin1", at, at + length).replace(/[\0 ]+$/, "").trim();
  if (!/^[0-7]+$/.test(text)) throw new Error("the tarball has a number that is not octal");
  return Number.parseInt(text, 8);
}
