/** Reading small inputs that a user named. */

import { type Input, type InputOptions, readInput, unreadable } from "./read_input.ts";

/**
 * The bytes of a file, which may be a pipe (`--private-key <(…)`), or of standard input, up to a limit.
 *
 * @param what names the input in messages: `private key`
 * @param limit bytes; an input with more is refused after reading no more than that
 * @throws {ModelSigningError} `FILE_UNREADABLE` or another code that is asked for; `ABORTED`
 */
export async function readCapped(
  input: Input,
  what: string,
  limit: number,
  options: InputOptions = {},
): Promise<Uint8Array> {
  const bytes = await readInput(input, what, limit, options);
  if (bytes.length <= limit) return bytes;
  throw unreadable(input, what, `it has more than ${limit} bytes`, options);
}
