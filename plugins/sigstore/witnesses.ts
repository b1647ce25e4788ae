/** Who confirms a Sigstore signature: transparency logs and timestamp authorities. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Signed, Witness } from "../../core/signer.ts";
import { serviceUrl } from "../_http/mod.ts";
import { requestTimestamp } from "../_rfc3161/mod.ts";
import { envelopeContent } from "./content.ts";
import { addToLog } from "./rekor.ts";
import type { Service } from "./signing_config.ts";

/** What timestamp authorities are called in messages. */
const TIMESTAMP_AUTHORITY = "the timestamp authority";

/** Enters the envelope's signature in a log (Rekor, API version 1 or 2). */
export function logWitness(log: Service): Witness {
  return {
    async witness(envelope, signed, options) {
      const entry = {
        content: envelopeContent(envelope),
        envelope,
        certificate: certificateOf(signed),
      };
      return { tlogEntries: [await addToLog(log, entry, options)] };
    },
  };
}

/** Has the signature's bytes timestamped. */
export function timestampWitness(authority: Service): Witness {
  return {
    async witness(_envelope, { signature }, options) {
      return { timestamps: [await timestampOf(signature, authority, options)] };
    },
  };
}

/** A timestamp over the bytes of a signature (RFC 3161), DER. Throws what `requestTimestamp` throws. */
export async function timestampOf(
  signature: Uint8Array,
  { url }: Service,
  options: RunOptions,
): Promise<Uint8Array> {
  return await requestTimestamp({
    url: serviceUrl(url, "", TIMESTAMP_AUTHORITY, "SIGNING_CONFIG_MALFORMED"),
    imprinted: signature,
    service: TIMESTAMP_AUTHORITY,
  }, options);
}

/** DER of the certificate that a signature is logged with. */
function certificateOf({ material }: Signed): Uint8Array {
  if (material.kind === "certificate") return material.certificate;
  throw new ModelSigningError(
    "USAGE",
    `a transparency log of Sigstore needs one certificate, and the signer gave a ${material.kind}`,
  );
}
