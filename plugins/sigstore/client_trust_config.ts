/** One file with everything that a client of an instance needs (Sigstore's ClientTrustConfig message). */

import { Buffer } from "node:buffer";
import { isObject, type Json } from "../../core/json.ts";
import { quote } from "../../core/text.ts";
import { MemberError, objectOf, textOf } from "./members.ts";

/** A ClientTrustConfig message. */
export type ClientTrustConfig = {
  /** TrustedRoot message. */
  readonly trustedRoot: Json;
  /**
   * SigningConfig message. The message's definition requires it; a file without one is good for verifying, and
   * older private instances have none.
   */
  readonly signingConfig?: Json;
};

const MEDIA_TYPE = "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json";

/** Reads the frame; the messages within have readers of their own. Throws MemberError. */
export function clientTrustConfigOf(json: Json): ClientTrustConfig {
  const config = objectOf(json, "the client trust config");
  const mediaType = textOf(config["mediaType"], "mediaType");
  if (mediaType !== MEDIA_TYPE) {
    const remark = mediaType.includes("trustedroot")
      ? "; a trusted root alone says whom to trust, and not which services to sign with"
      : "";
    throw new MemberError(`its media type is ${quote(mediaType)}, expected ${MEDIA_TYPE}${remark}`);
  }
  const trustedRoot = objectOf(config["trustedRoot"], "trustedRoot");
  const signingConfig = config["signingConfig"];
  if (signingConfig === undefined || signingConfig === null) return { trustedRoot };
  if (!isObject(signingConfig)) throw new MemberError("signingConfig is not an object");
  return { trustedRoot, signingConfig };
}

/** The message as a file. */
export function serializeClientTrustConfig(config: ClientTrustConfig): Uint8Array {
  const { trustedRoot, signingConfig } = config;
  const message = {
    mediaType: MEDIA_TYPE,
    trustedRoot,
    ...(signingConfig === undefined ? {} : { signingConfig }),
  };
  return Buffer.from(`${JSON.stringify(message, undefined, 2)}\n`);
}
