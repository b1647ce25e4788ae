/** Models to measure with, of random bytes. */

import { Buffer } from "node:buffer";
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const BLOCK = Buffer.alloc(8 * 1024 * 1024);

/** Writes one file of `size` bytes. */
export function writeFile(path: string, size: number): void {
  const file = openSync(path, "w");
  for (let rest = size; rest > 0; rest -= BLOCK.length) {
    writeSync(file, randomFillSync(BLOCK), 0, Math.min(rest, BLOCK.length));
  }
  closeSync(file);
}

/** Makes a directory of `count` files of `size` bytes; gives its path. */
export function writeFiles(directory: string, count: number, size: number): string {
  mkdirSync(directory);
  for (let index = 0; index < count; index++) {
    writeFile(join(directory, `weights-${String(index).padStart(5, "0")}.bin`), size);
  }
  return directory;
}

/** Makes a directory of 4 KiB files, 100 to a folder; gives its path. */
export function writeManyFiles(directory: string, count: number): string {
  const perFolder = 100;
  const content = Buffer.alloc(4096);
  mkdirSync(directory);
  for (let folder = 0; folder < count / perFolder; folder++) {
    const path = join(directory, `folder-${folder}`);
    mkdirSync(path);
    for (let index = 0; index < perFolder; index++) {
      writeFileSync(join(path, `file-${index}.bin`), randomFillSync(content));
    }
  }
  return directory;
}
