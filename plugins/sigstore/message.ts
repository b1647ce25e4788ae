/** Signing any bytes, as they are: Sigstore's message signatures. Models are signed in envelopes. */

import { Buffer } from "node:buffer";
import { BUNDLE_MEDIA_TYPE } from "../../core/bundle.ts";
import type { RunOptions } from "../../core/options.ts";
import { digestOf, messageContent } from "./content.ts";
import { addToLog } from "./rekor.ts";
import { type ServiceSignerOptions, signOnce } from "./signer.ts";
import { timestampOf } from "./witnesses.ts";

/**
 * Signs a message, and gives the bundle (v0.3) as JSON.
 *
 * @throws {ModelSigningError} like {@link signOnce}, and what the logs and the timestamp authorities throw
 */
export async function signMessage(
  message: Uint8Array,
  signing: ServiceSignerOptions,
  options: RunOptions,
): Promise<Uint8Array> {
  const { signature, material: { certificate } } = await signOnce(message, signing, options);
  const entry = { content: messageContent(message, signature), certificate };
  const { logs, timestampAuthorities } = signing.services;
  const [tlogEntries, timestamps] = await Promise.all([
    Promise.all(logs.map((log) => addToLog(log, entry, options))),
    Promise.all(timestampAuthorities.map((one) => timestampOf(signature, one, options))),
  ]);
  const json = JSON.stringify({
    mediaType: BUNDLE_MEDIA_TYPE,
    verificationMaterial: {
      certificate: { rawBytes: base64(certificate) },
      tlogEntries,
      timestampVerificationData: {
        rfc3161Timestamps: timestamps.map((der) => ({ signedTimestamp: base64(der) })),
      },
    },
    messageSignature: {
      messageDigest: { algorithm: "SHA2_256", digest: base64(digestOf("sha256", message)) },
      signature: base64(signature),
    },
  });
  return Buffer.from(json, "utf8");
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
