/** A timestamp authority as a witness. */

import type { Witness } from "../../core/signer.ts";
import { requestTimestamp } from "../_rfc3161/mod.ts";

/** Has the signature's bytes time-stamped by an authority (RFC 3161 over HTTP). */
export function timestampWitness(url: URL): Witness {
  return {
    async witness(_envelope, { signature }, options) {
      return { timestamps: [await requestTimestamp({ url, imprinted: signature }, options)] };
    },
  };
}
