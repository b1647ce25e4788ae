/** A timestamp by Sigstore's own authority. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { describeTimestamp, verifyTimestamp } from "../../../plugins/_rfc3161/mod.ts";
import { parseTrustedRoot, type TrustedRoot } from "../../../plugins/sigstore/trusted_root.ts";
import { sharedData } from "../../support/shared.ts";

const oms = sharedData("oms");

function rootOf(instance: "production" | "staging"): TrustedRoot {
  const file = `../../../plugins/sigstore/data/${instance}.trusted_root.json`;
  return parseTrustedRoot(readFileSync(new URL(file, import.meta.url)), instance);
}

/** The bundle's timestamp, and the signature that it is over. */
function stored(
  folder: string,
): { readonly timestamp: Uint8Array; readonly signature: Uint8Array } {
  const path = join(folder, "historical/v1.1.0-sigstore/bundle.sig");
  const { verificationMaterial, dsseEnvelope } = JSON.parse(readFileSync(path, "utf8"));
  const [{ signedTimestamp }] = verificationMaterial.timestampVerificationData.rfc3161Timestamps;
  return {
    timestamp: Buffer.from(signedTimestamp, "base64"),
    signature: Buffer.from(dsseEnvelope.signatures[0].sig, "base64"),
  };
}

if (oms !== undefined) {
  test("verifyTimestamp() accepts a timestamp of Sigstore's production authority", async () => {
    const { timestamp, signature } = stored(oms);
    const { timestampAuthorities } = rootOf("production");
    const result = await verifyTimestamp(timestamp, signature, timestampAuthorities);
    assert.ok(result.ok, JSON.stringify(result));
    assert.equal(result.time.toISOString(), "2025-10-10T02:12:20.000Z");
    assert.equal(result.authority, "https://timestamp.sigstore.dev/api/v1/timestamp");
    assert.equal(result.authorityCertificate.subject, "CN=sigstore-tsa,O=sigstore.dev");
  });

  test("verifyTimestamp() calls it foreign for the staging authority of the same name", async () => {
    const { timestamp, signature } = stored(oms);
    const { timestampAuthorities } = rootOf("staging");
    const result = await verifyTimestamp(timestamp, signature, timestampAuthorities);
    assert.ok(!result.ok && result.foreign);
    assert.equal(result.issue.code, "TIMESTAMP_UNTRUSTED");
  });

  test("describeTimestamp() tells what it claims", () => {
    const described = describeTimestamp(stored(oms).timestamp);
    assert.equal(described?.time, "2025-10-10T02:12:20.000Z");
    assert.equal(described?.authority, "CN=sigstore-tsa,O=sigstore.dev");
    assert.equal(described?.policy, "1.3.6.1.4.1.57264.2");
    assert.equal(described?.serial, "ff60ba15b98c3e34251acbf77be45dd5e641568b");
    assert.equal(described?.certificates.length, 1);
  });
}
