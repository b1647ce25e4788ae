/** What a Sigstore bundle says about its signer. */

import type { Describer } from "../../core/verifier.ts";
import { timestampFields } from "../_timestamp/mod.ts";
import { certificateInfo, isoTime, parseCertificate } from "../_x509/mod.ts";
import { certificateClaims } from "./claims.ts";
import { parseEntry } from "./entry.ts";
import { MAX_LOG_ENTRIES } from "./evidence.ts";
import { entityOf } from "./verifier.ts";

/** Label and value. */
type Field = readonly [label: string, value: string];

/** Describes bundles with a certificate and log entries. Claims only: nothing is checked. */
export const sigstoreDescriber: Describer = {
  describe(bundle) {
    const entity = entityOf(bundle);
    if (entity === undefined) return Promise.resolve(undefined);
    const leaf = parseCertificate(entity.certificate!);
    const fields: Field[] = leaf.ok ? [] : [["problem", leaf.issue.message]];
    if (leaf.ok) {
      const found = certificateClaims(leaf.value);
      if (found.ok) {
        const { identity, issuer } = found.claims;
        fields.push(["identity", identity], ["identity provider", issuer], ...found.claims.fields);
      } else fields.push(["problem", `the certificate names nobody: ${found.problem}`]);
    }
    for (const entry of bundle.tlogEntries.slice(0, MAX_LOG_ENTRIES)) {
      fields.push(...entryFields(entry));
    }
    fields.push(...timestampFields(bundle));
    return Promise.resolve({
      method: "sigstore",
      fields,
      certificates: leaf.ok ? [certificateInfo(leaf.value)] : [],
    });
  },
};

function entryFields(json: Parameters<typeof parseEntry>[0]): readonly Field[] {
  const parsed = parseEntry(json);
  if (!parsed.ok) return [["log entry", parsed.issue.message]];
  const { logIndex, logId, kind, version, integratedTime } = parsed.value;
  return [
    ["log entry", `${logIndex} (${kind} ${version}) of log ${logId}`],
    ...(integratedTime ? [["logged", isoTime(integratedTime)] as const] : []),
  ];
}
