/** What a certificate bundle says about its signer. */

import type { Describer } from "../../core/verifier.ts";
import { timestampFields } from "../_timestamp/mod.ts";
import { certificateInfo } from "../_x509/mod.ts";
import { claimedChain } from "./material.ts";

/** Describes bundles with certificates and no log entries. Claims only: nothing is checked. */
export const certificateDescriber: Describer = {
  describe(bundle) {
    const claimed = claimedChain(bundle);
    if ("issue" in claimed) {
      return Promise.resolve(
        claimed.issue.code === "BUNDLE_MATERIAL" ? undefined : {
          method: "certificate",
          fields: [["problem", claimed.issue.message]],
          certificates: [],
        },
      );
    }
    const { leaf, others, malformed } = claimed;
    return Promise.resolve({
      method: "certificate",
      fields: [
        ...(malformed ? [["problem", malformed.message] as const] : []),
        ...timestampFields(bundle),
      ],
      certificates: [leaf, ...others].map(certificateInfo),
    });
  },
};
