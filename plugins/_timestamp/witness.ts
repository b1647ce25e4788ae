/** A timestamp authority as a witness. */

import type { Witness } from "../../core/signer.ts";
import { serviceUrl } from "../_http/mod.ts";
import { requestTimestamp } from "../_rfc3161/mod.ts";

/** Which authority confirms a signature. */
export type TimestampWitnessOptions = {
  /** Its address, `https://` or `http://`: what it is sent is no secret, and what it answers is signed. */
  readonly url: URL | string;
};

/**
 * Makes a witness that has a signature time-stamped by an authority (RFC 3161 over HTTP), for the member `witnesses`
 * of what `sign` and `signModel` take. The authority gets the SHA-256 of the signature's bytes, 32 bytes, and a random
 * number. Whether its timestamps are believed is up to the {@link timestampVerifier} of those who verify.
 *
 * Signing throws `TIMESTAMP_REFUSED` when the authority declines, `NETWORK_RESPONSE` when its answer is no timestamp
 * over this signature or its time lies in the future, and `NETWORK_UNREACHABLE`, `NETWORK_TIMEOUT` and
 * `NETWORK_STATUS` when there is no answer.
 *
 * @throws {ModelSigningError} `USAGE` for an address that cannot be used
 */
export function timestampWitness(options: TimestampWitnessOptions): Witness {
  const address = String(options.url);
  const url = serviceUrl(address, "", "the timestamp authority", "USAGE", { plainHttp: true });
  return {
    async witness(_envelope, { signature }, run) {
      return { timestamps: [await requestTimestamp({ url, imprinted: signature }, run)] };
    },
  };
}
