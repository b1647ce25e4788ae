/** Key files that a shell wrote in another encoding. */

import { ModelSigningError } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";

/**
 * Refuses text in UTF-16 by its byte order mark, with which neither PEM nor DER begins.
 *
 * @throws {ModelSigningError} `KEY_MALFORMED`
 */
export function refuseUtf16(bytes: Uint8Array, name: string): void {
  const [first, second] = bytes;
  if (!(first === 0xff && second === 0xfe) && !(first === 0xfe && second === 0xff)) return;
  throw new ModelSigningError(
    "KEY_MALFORMED",
    `${quote(name)} is text in UTF-16, expected PEM in ASCII, or DER`,
    {
      hint:
        "Windows PowerShell writes UTF-16 with >: have the program that makes the key write the file " +
        "(openssl ... -out KEY), or convert it with: Set-Content -Encoding ascii",
    },
  );
}
