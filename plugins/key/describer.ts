/** What a key bundle says about its signer. */

import { createHash } from "node:crypto";
import type { Describer } from "../../core/verifier.ts";
import { timestampFields } from "../_timestamp/mod.ts";

/** Describes bundles with public key material. */
export const keyDescriber: Describer = {
  describe(bundle) {
    const { material } = bundle;
    if (material.kind !== "public-key") return Promise.resolve(undefined);
    const fields: (readonly [string, string])[] = [];
    if (material.hint !== undefined) fields.push(["key hint", material.hint]);
    if (material.rawBytes !== undefined) {
      // Before 1.1.0 the material was the key's PEM text, whose SHA-256 is the hint of later bundles.
      const hint = createHash("sha256").update(material.rawBytes).digest("hex");
      fields.push(["key hint (of the embedded key)", hint]);
    }
    fields.push(...timestampFields(bundle));
    return Promise.resolve({ method: "key", fields, certificates: [] });
  },
};
