/** Reading files that somebody else may have put there. */

import { constants } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** Flags for reading: opening a FIFO does not wait for a writer. Windows has neither of the flags. */
export const READ_ONLY: number = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The same, and a symbolic link that took the file's place is not followed. */
export const READ_ONLY_NO_FOLLOW: number = READ_ONLY | (constants.O_NOFOLLOW ?? 0);

/** The first `size` bytes of a file, or all of them when there are fewer. */
export async function readStart(file: FileHandle, size: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const { bytesRead } = await file.read(bytes, length, size - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return bytes.subarray(0, length);
}
