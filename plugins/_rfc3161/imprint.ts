/** Whether a token is about given bytes. */

import { createHash } from "node:crypto";
import type { Issue } from "../../core/errors.ts";
import { ACCEPTED_DIGESTS, digestName } from "./algorithms.ts";
import type { TstInfo } from "./tst_info.ts";

/** The finding `TIMESTAMP_MISMATCH` or, for a digest that is not accepted, `TIMESTAMP_UNTRUSTED`. */
export function imprintIssue({ imprint }: TstInfo, imprinted: Uint8Array): Issue | undefined {
  const digest = digestName(imprint.algorithm);
  if (digest === undefined) {
    return {
      code: "TIMESTAMP_UNTRUSTED",
      message: `a timestamp is made over a digest by ${imprint.algorithm.id}, ` +
        `expected ${ACCEPTED_DIGESTS}`,
    };
  }
  return createHash(digest).update(imprinted).digest().equals(imprint.digest) ? undefined : {
    code: "TIMESTAMP_MISMATCH",
    message: "a timestamp is made over another signature than the one it stands beside",
  };
}
