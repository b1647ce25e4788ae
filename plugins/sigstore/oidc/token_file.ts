/** Tokens in files. */

import { Buffer } from "node:buffer";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, systemCode, systemReason } from "../../../core/errors.ts";
import { READ_ONLY } from "../../../core/open_file.ts";
import type { RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { quote } from "../../../core/text.ts";
import { MAX_TOKEN_BYTES } from "./jwt.ts";
import { within } from "./within.ts";

/** Between two looks into a pipe that is still empty. */
const POLL_MS = 20;

/**
 * Reads a token from a file or a pipe, without the space around it. For a pipe's writer it waits as long as the
 * options say.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `ABORTED`
 */
export async function readTokenFile(path: string, options: RunOptions): Promise<Secret> {
  try {
    const bytes = await within(
      (signal) => read(path, signal),
      (seconds) => unreadable(path, `nobody wrote all of it within ${seconds} s`),
      options,
    );
    if (bytes.length > MAX_TOKEN_BYTES) {
      throw unreadable(path, `it has more than ${MAX_TOKEN_BYTES} bytes`);
    }
    return new Secret(bytes.toString("utf8").trim());
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    throw unreadable(path, systemReason(error), error);
  }
}

function unreadable(path: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError(
    "FILE_UNREADABLE",
    `cannot read identity token ${quote(path)}: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}

/** The bytes of a file, not many more than allowed. */
async function read(path: string, signal: AbortSignal): Promise<Buffer> {
  await using file = await open(path, READ_ONLY);
  // Before a pipe's writer came, reading it gives nothing, as at the end.
  let begun = !(await file.stat()).isFIFO();
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total <= MAX_TOKEN_BYTES) {
    const chunk = await readSome(file);
    if (chunk?.length === 0 && begun) break;
    begun ||= chunk === undefined || chunk.length > 0;
    if (chunk !== undefined && chunk.length > 0) {
      chunks.push(chunk);
      total += chunk.length;
    } else {
      await sleep(POLL_MS, undefined, { signal });
    }
  }
  return Buffer.concat(chunks);
}

/** The next bytes; none at the end, undefined when a writer is there and has not written yet. */
async function readSome(file: FileHandle): Promise<Uint8Array | undefined> {
  try {
    const buffer = new Uint8Array(MAX_TOKEN_BYTES);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return undefined;
    throw error;
  }
}
