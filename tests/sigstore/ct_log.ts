/** A certificate transparency log (RFC 6962), as far as certificates show it: it signs timestamps. */

import { Buffer } from "node:buffer";
import { encode, TAG } from "../../plugins/_der/mod.ts";
import { type Authority, extension } from "./certificate.ts";
import { type Key, newKey, sha256, signWith, spoiled } from "./keys.ts";

/** Extension with embedded timestamps (RFC 6962 3.3). */
const SCT_LIST = "1.3.6.1.4.1.11129.2.4.2";

/** The log. */
export class CtLog {
  readonly key: Key = newKey("P-256");

  /**
   * Takes a precertificate in and gives the extension that goes into the certificate.
   *
   * @param tbs the certificate's signed part without this extension (RFC 6962 3.2)
   */
  submit(
    tbs: Uint8Array,
    issuer: Authority,
    at: Date,
    lie: "bad-sct" | undefined,
  ): Uint8Array {
    const timestamp = uint(BigInt(at.getTime()), 8);
    const noExtensions = uint(0n, 2);
    const precertEntry = uint(1n, 2);
    const signed = Buffer.concat([
      Buffer.of(0, 0), // v1, certificate_timestamp
      timestamp,
      precertEntry,
      sha256(issuer.key.spki),
      uint(BigInt(tbs.length), 3),
      tbs,
      noExtensions,
    ]);
    const right = signWith(this.key, signed);
    const signature = lie === undefined ? right : spoiled(right);
    const sct = Buffer.concat([
      Buffer.of(0), // v1
      sha256(this.key.spki),
      timestamp,
      noExtensions,
      Buffer.of(4, 3), // SHA-256, ECDSA (RFC 5246 7.4.1.4.1)
      uint(BigInt(signature.length), 2),
      signature,
    ]);
    const list = Buffer.concat([uint(BigInt(sct.length), 2), sct]);
    const value = Buffer.concat([uint(BigInt(list.length), 2), list]);
    return extension(SCT_LIST, encode(TAG.octetString, value));
  }
}

/** A big-endian number of `length` bytes. */
function uint(value: bigint, length: number): Buffer {
  return Buffer.from(value.toString(16).padStart(2 * length, "0"), "hex");
}
