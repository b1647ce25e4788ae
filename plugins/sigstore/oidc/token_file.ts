/** Tokens in files. */

import { ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { quote } from "../../../core/text.ts";
import { readCapped } from "../../_input/mod.ts";
import { MAX_TOKEN_BYTES } from "./jwt.ts";
import { within } from "./within.ts";

/**
 * Reads a token from a file or a pipe, without the space around it. For a pipe's writer it waits as long as the
 * options say.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `ABORTED`
 */
export async function readTokenFile(path: string, options: RunOptions): Promise<Secret> {
  const bytes = await within(
    (signal) => readCapped(path, "identity token", MAX_TOKEN_BYTES, { signal }),
    (seconds) =>
      new ModelSigningError(
        "FILE_UNREADABLE",
        `cannot read identity token ${quote(path)}: nobody wrote all of it within ${seconds} s`,
      ),
    options,
  );
  return new Secret(new TextDecoder().decode(bytes).trim());
}
