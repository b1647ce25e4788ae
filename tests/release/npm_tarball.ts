/** Tarballs as npm makes them, and as it never would. */

import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";

/** An entry: a path with the top folder, and what is in it. */
export type TarEntry = {
  readonly path: string;
  readonly content?: string;
  readonly mode?: number;
  /** Default: a file. */
  readonly type?: string;
};

/** A tarball of these entries, in POSIX `ustar` and gzip. */
export function npmTarball(entries: readonly TarEntry[]): Buffer {
  const blocks = entries.flatMap(({ path, content = "", mode = 0o644, type = "0" }) => {
    const header = Buffer.alloc(512);
    header.write(path, 0, 100);
    header.write(`${mode.toString(8).padStart(7, "0")}\0`, 100);
    header.write(`${Buffer.byteLength(content).toString(8).padStart(11, "0")}\0`, 124);
    header.write(type, 156);
    header.write("ustar\0" + "00", 257);
    const body = Buffer.alloc(Math.ceil(Buffer.byteLength(content) / 512) * 512);
    body.write(content);
    return [header, body];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}
