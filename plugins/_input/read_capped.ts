/** Reading small files that a user named. */

import { Buffer } from "node:buffer";
import { open } from "node:fs/promises";
import { ModelSigningError, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";

/**
 * The bytes of a file, which may be a pipe (`--private-key <(…)`), up to a limit.
 *
 * @param what names the file in messages: `private key`
 * @param limit bytes; a file with more is refused after reading no more than that
 * @throws {ModelSigningError} `FILE_UNREADABLE`
 */
export async function readCapped(path: string, what: string, limit: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  try {
    await using file = await open(path, "r");
    for (;;) {
      const buffer = new Uint8Array(Math.min(64 * 1024, limit + 1 - total));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
      if (bytesRead === 0) break;
      chunks.push(buffer.subarray(0, bytesRead));
      total += bytesRead;
      if (total > limit) break;
    }
  } catch (error) {
    throw new ModelSigningError(
      "FILE_UNREADABLE",
      `cannot read ${what} ${quote(path)}: ${systemReason(error)}`,
      { cause: error },
    );
  }
  if (total > limit) {
    throw new ModelSigningError(
      "FILE_UNREADABLE",
      `cannot read ${what} ${quote(path)}: it has more than ${limit} bytes`,
    );
  }
  return new Uint8Array(Buffer.concat(chunks));
}
