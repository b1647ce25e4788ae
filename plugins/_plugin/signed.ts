/** What a plugin's signer and witness give back. */

import type { VerificationMaterial } from "../../core/bundle.ts";
import { checkSigned } from "../../core/check_signed.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { MAX_CERTIFICATE_BYTES, MAX_CHAIN_LENGTH, MAX_SIGNATURE_BYTES } from "../../core/limits.ts";
import type { Evidence, Signed } from "../../core/signer.ts";
import { jsonAt } from "./json.ts";
import { bytesAt, choiceAt, listAt, objectAt, optionalAt, patternAt, ShapeError } from "./shape.ts";

/** Log entries and timestamps of one witness. */
const MAX_EVIDENCE = 16;

/** Reads what a signer gave. Throws {@link ShapeError}. */
export function signedAt(value: unknown, where: string): Signed {
  const given = objectAt(value, where);
  return {
    signature: bytesAt(given["signature"], `${where}.signature`, MAX_SIGNATURE_BYTES),
    publicKey: bytesAt(given["publicKey"], `${where}.publicKey`, MAX_CERTIFICATE_BYTES),
    material: materialAt(given["material"], `${where}.material`),
  };
}

function materialAt(value: unknown, where: string): VerificationMaterial {
  const given = objectAt(value, where);
  const kind = choiceAt(given["kind"], `${where}.kind`, [
    "public-key",
    "certificate-chain",
    "certificate",
  ]);
  switch (kind) {
    case "public-key":
      return { kind, hint: patternAt(given["hint"], `${where}.hint`, /^[0-9a-f]{64}$/) };
    case "certificate":
      return {
        kind,
        certificate: bytesAt(
          given["certificate"],
          `${where}.certificate`,
          MAX_CERTIFICATE_BYTES,
        ),
      };
    case "certificate-chain": {
      const [leaf, ...rest] = listAt(
        given["certificates"],
        `${where}.certificates`,
        MAX_CHAIN_LENGTH,
      ).map((item, index) =>
        bytesAt(item, `${where}.certificates[${index}]`, MAX_CERTIFICATE_BYTES)
      );
      if (leaf === undefined) throw new ShapeError(`${where}.certificates is empty`);
      return { kind, certificates: [leaf, ...rest] };
    }
  }
}

/**
 * Refuses a signature that does not hold, before anything is made of it, so that the error names the plugin.
 *
 * @param who the plugin, for the message
 * @throws {ModelSigningError} `PLUGIN_ALGORITHM` for a key that the format does not sign with, `PLUGIN_SIGNATURE`
 */
export function requireHolding(signed: Signed, pae: Uint8Array, who: string): void {
  const found = checkSigned(signed, pae);
  if ("key" in found) return;
  const { about, what, cause } = found.problem;
  throw new ModelSigningError(
    about === "algorithm" ? "PLUGIN_ALGORITHM" : "PLUGIN_SIGNATURE",
    `${who} ${what}`,
    { hint: "nothing was written; tell whoever made the plugin", cause },
  );
}

/** Reads what a witness gave. Throws {@link ShapeError}. */
export function evidenceAt(value: unknown, where: string): Evidence {
  const given = objectAt(value, where);
  const evidence = {
    ...optionalAt(
      given,
      "tlogEntries",
      where,
      (entries, at) =>
        listAt(entries, at, MAX_EVIDENCE).map((entry, index) => jsonAt(entry, `${at}[${index}]`)),
    ),
    ...optionalAt(
      given,
      "timestamps",
      where,
      (timestamps, at) =>
        listAt(timestamps, at, MAX_EVIDENCE).map((der, index) =>
          bytesAt(der, `${at}[${index}]`, MAX_CERTIFICATE_BYTES)
        ),
    ),
  };
  if ((evidence.tlogEntries ?? []).length + (evidence.timestamps ?? []).length === 0) {
    throw new ShapeError(`${where} holds neither a log entry nor a timestamp`);
  }
  return evidence;
}
