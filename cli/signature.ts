/** Reading the signature that the user named. */

import { stat } from "node:fs/promises";
import {
  type Bundle,
  MAX_BUNDLE_BYTES,
  ModelSigningError,
  parseBundle,
  type Parsed,
  quote,
  readBundleFile,
} from "../core/mod.ts";
import { readInput, STDIN } from "../plugins/mod.ts";

/** Stands for stdout when signing, for stdin when reading. */
export const STANDARD_STREAM = "-";

/**
 * Reads and parses a signature file, or stdin for `-`.
 *
 * @throws {ModelSigningError} `BUNDLE_UNREADABLE`, `ABORTED`
 */
export async function readSignature(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Parsed<Bundle>> {
  if (path !== STANDARD_STREAM) return await readFile(path);
  // One byte too many is enough for the parser to refuse it.
  return parseBundle(
    await readInput(STDIN, "the signature", MAX_BUNDLE_BYTES, {
      signal,
      code: "BUNDLE_UNREADABLE",
    }),
  );
}

/**
 * The same, where a signature that is malformed is a fault and no finding.
 *
 * @throws {ModelSigningError} `BUNDLE_UNREADABLE`, `BUNDLE_REFUSED`, `ABORTED`
 */
export async function readUsableSignature(
  path: string,
  signal: AbortSignal | undefined,
): Promise<Bundle> {
  const bundle = await readSignature(path, signal);
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
