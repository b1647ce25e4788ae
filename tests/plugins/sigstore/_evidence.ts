/** Shorthands for tests of log entries and timestamps. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { SignatureVerification } from "../../../core/verifier.ts";
import { base64, type Loose } from "../../support/bundles.ts";
import { derOf } from "../../support/pki.ts";

/** In ms. */
export const HOUR: number = 60 * 60 * 1000;

/** The log entries of a bundle. */
export function entriesOf(json: Loose): Loose {
  return json.verificationMaterial.tlogEntries;
}

/** The timestamps of a bundle. */
export function stampsOf(json: Loose): Loose {
  return json.verificationMaterial.timestampVerificationData.rfc3161Timestamps;
}

/** Gives a bundle one timestamp. */
export function stampWith(json: Loose, timestamp: Uint8Array): void {
  json.verificationMaterial.timestampVerificationData = {
    rfc3161Timestamps: [{ signedTimestamp: base64(timestamp) }],
  };
}

/** What a check says. */
export function said(found: SignatureVerification, id: string): string {
  return found.checks.find((check) => check.id === id)!.detail;
}

/** How many entries the report names. */
export function countedEntries({ identity }: SignatureVerification): number {
  assert.ok(identity && "fields" in identity);
  return Object.keys(identity.fields ?? {}).filter((label) => label.startsWith("log entry")).length;
}

/** The signature of a bundle. */
export function signatureOf(json: Loose): Uint8Array {
  return Buffer.from(json.dsseEnvelope.signatures[0].sig, "base64");
}

/** An authority of a trusted root. */
export function authority(certificates: readonly string[], validFor: Loose): Loose {
  return {
    uri: "https://tsa.example",
    certChain: { certificates: certificates.map((path) => ({ rawBytes: base64(derOf(path)) })) },
    validFor,
  };
}
