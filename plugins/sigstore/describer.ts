/** What a Sigstore bundle says about its signer. */

import type { Describer } from "../../core/verifier.ts";
import { describeTimestamp } from "../_rfc3161/mod.ts";
import { certificateInfo, isoTime, parseCertificate } from "../_x509/mod.ts";
import { certificateClaims } from "./claims.ts";
import { parseEntry } from "./entry.ts";
import { entityOf } from "./verifier.ts";

/** Label and value. */
type Field = readonly [label: string, value: string];

/** Log entries and timestamps that are described. */
const MAX_DESCRIBED = 32;

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
    for (const entry of bundle.tlogEntries.slice(0, MAX_DESCRIBED)) {
      fields.push(...entryFields(entry));
    }
    for (const timestamp of bundle.timestamps.slice(0, MAX_DESCRIBED)) {
      const claim = describeTimestamp(timestamp);
      fields.push(["timestamp", claim ? isoTime(new Date(claim.time)) : "malformed"]);
    }
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
