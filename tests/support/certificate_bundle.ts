/** Bundles that are signed with throw-away certificates. */

import { Buffer } from "node:buffer";
import { createPrivateKey } from "node:crypto";
import { readFileSync } from "node:fs";
import { type Bundle, BUNDLE_MEDIA_TYPE, type VerificationMaterial } from "../../core/bundle.ts";
import { pae, PAYLOAD_TYPE } from "../../core/dsse.ts";
import { signBytes } from "../../core/keys.ts";
import { derOf, type Issued } from "./pki.ts";

const PAYLOAD = Buffer.from(`{"_type":"https://in-toto.io/Statement/v1"}`);

/** A bundle signed by a certificate's key, with these certificates beside it. Nothing is checked. */
export function signedBundle(leaf: Issued, chain: readonly Issued[] = []): Bundle {
  return bundleWith(leaf, {
    kind: "certificate-chain",
    certificates: [
      derOf(leaf.certificate),
      ...chain.map(({ certificate }) => derOf(certificate)),
    ],
  });
}

/** A bundle signed by a certificate's key, with material of any kind. */
export function bundleWith(leaf: Issued, material: VerificationMaterial): Bundle {
  const key = createPrivateKey(readFileSync(leaf.key));
  return {
    mediaType: BUNDLE_MEDIA_TYPE,
    material,
    tlogEntries: [],
    timestamps: [],
    envelope: {
      payloadType: PAYLOAD_TYPE,
      payload: PAYLOAD,
      signature: signBytes(key, pae(PAYLOAD_TYPE, PAYLOAD)),
    },
  };
}
