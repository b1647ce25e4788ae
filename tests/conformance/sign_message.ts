/** Signing any bytes, as they are: Sigstore's message signatures. Models are signed in envelopes. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { BUNDLE_MEDIA_TYPE } from "../../core/bundle.ts";
import type { JsonObject } from "../../core/json.ts";
import { proposeToRekor1 } from "../../plugins/sigstore/rekor_v1.ts";
import { addToRekor2 } from "../../plugins/sigstore/rekor_v2.ts";
import { type ServiceSignerOptions, signOnce } from "../../plugins/sigstore/signer.ts";
import type { Service } from "../../plugins/sigstore/signing_config.ts";
import { timestampOf } from "../../plugins/sigstore/witnesses.ts";
import { pem } from "../sigstore/keys.ts";
import { base64 } from "../support/bundles.ts";
import { messageContent } from "../support/sigstore_message.ts";

/** Signs a message, and gives the bundle (v0.3) as JSON. */
export async function signMessage(
  message: Uint8Array,
  signing: ServiceSignerOptions,
): Promise<Uint8Array> {
  const { signature, material: { certificate } } = await signOnce(message, signing, {});
  const { logs, timestampAuthorities } = signing.services;
  const [tlogEntries, timestamps] = await Promise.all([
    Promise.all(logs.map((log) => logged(log, message, signature, certificate))),
    Promise.all(timestampAuthorities.map((one) => timestampOf(signature, one, {}))),
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
      messageDigest: {
        algorithm: "SHA2_256",
        digest: createHash("sha256").update(message).digest("base64"),
      },
      signature: base64(signature),
    },
  });
  return Buffer.from(json, "utf8");
}

/** A `hashedrekord` entry in a log. What the log made of it is verified with the bundle. */
function logged(
  { majorApiVersion, url }: Service,
  message: Uint8Array,
  signature: Uint8Array,
  certificate: Uint8Array,
): Promise<JsonObject> {
  if (majorApiVersion !== 1) {
    return addToRekor2(url, { content: messageContent(message, signature), certificate }, {});
  }
  const value = createHash("sha256").update(message).digest("hex");
  const publicKey = { content: base64(Buffer.from(pem("CERTIFICATE", certificate))) };
  return proposeToRekor1(url, {
    apiVersion: "0.0.1",
    kind: "hashedrekord",
    spec: {
      data: { hash: { algorithm: "sha256", value } },
      signature: { content: base64(signature), publicKey },
    },
  }, {});
}
