/** Reading the signature that the user named. */

import { Buffer } from "node:buffer";
import { stat } from "node:fs/promises";
import process from "node:process";
import {
  type Bundle,
  MAX_BUNDLE_BYTES,
  ModelSigningError,
  parseBundle,
  type Parsed,
  quote,
  readBundleFile,
  systemReason,
} from "../core/mod.ts";

/** Stands for stdout when signing, for stdin when reading. */
export const STANDARD_STREAM = "-";

/**
 * Reads and parses a signature file, or stdin for `-`.
 *
 * @throws {ModelSigningError} `BUNDLE_UNREADABLE`
 */
export async function readSignature(path: string): Promise<Parsed<Bundle>> {
  if (path !== STANDARD_STREAM) return await readFile(path);
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) {
      chunks.push(chunk);
      length += chunk.length;
      // One byte too many is enough for the parser to refuse it.
      if (length > MAX_BUNDLE_BYTES) break;
    }
  } catch (cause) {
    throw new ModelSigningError(
      "BUNDLE_UNREADABLE",
      `cannot read the signature on stdin: ${systemReason(cause)}`,
      { cause },
    );
  }
  return parseBundle(new Uint8Array(Buffer.concat(chunks)));
}

/**
 * The same, where a signature that is malformed is a fault and no finding.
 *
 * @throws {ModelSigningError} `BUNDLE_UNREADABLE`, `BUNDLE_REFUSED`
 */
export async function readUsableSignature(path: string): Promise<Bundle> {
  const bundle = await readSignature(path);
  if (bundle.ok) return bundle.value;
  throw new ModelSigningError("BUNDLE_REFUSED", `${quote(path)} is not a usable signature`, {
    issues: [bundle.issue],
  });
}

async function readFile(path: string): Promise<Parsed<Bundle>> {
  try {
    return await readBundleFile(path);
  } catch (error) {
    const isPipe = (await stat(path).catch(() => undefined))?.isFIFO();
    if (!isPipe || !(error instanceof ModelSigningError)) throw error;
    const { code, message, cause } = error;
    const hint = `"${STANDARD_STREAM}" in place of the pipe reads standard input`;
    throw new ModelSigningError(code, message, { cause, hint });
  }
}
