/** Entries of Rekor v2: `hashedrekord` 0.0.2. */

import { base64 } from "../../core/encoding.ts";
import type { JsonObject } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { serviceUrl } from "../_http/mod.ts";
import { bytesOf, listOf, numberOf, objectOf, textOf } from "./members.ts";
import { askLog, fromLog, LOG, type NewEntry } from "./new_entry.ts";

/**
 * Adds an entry, and gives it as Sigstore's TransparencyLogEntry message. The log answers only once the entry is in
 * the tree, which takes seconds. Throws what `requestJson` throws.
 *
 * @param base the log's address
 */
export async function addToRekor2(
  base: string,
  { content, certificate }: Omit<NewEntry, "envelope">,
  options: RunOptions,
): Promise<JsonObject> {
  const url = serviceUrl(base, "/api/v2/log/entries", LOG, "SIGNING_CONFIG_MALFORMED");
  // Of what was signed: for an envelope its pre-authentication encoding. The payload stays here.
  const digest = content.digest("sha256");
  if (!digest) throw new TypeError("a signature is logged by the SHA-256 digest of its content");
  const body = JSON.stringify({
    hashedRekordRequestV002: {
      digest: base64(digest),
      signature: {
        content: base64(content.signature),
        verifier: {
          x509Certificate: { rawBytes: base64(certificate) },
          keyDetails: "PKIX_ECDSA_P256_SHA_256",
        },
      },
    },
  });
  const { json } = await askLog({ url, body, hint }, options);
  return fromLog(url, () => messageOf(json));
}

function hint(status: number): string | undefined {
  switch (status) {
    case 405:
      return "a log that takes no entries any more has a successor: renew the signing config, by `trust update` or from whoever runs the instance";
    case 409:
      // It has no way to ask for the entry and its proof.
      return "an earlier attempt arrived and its answer was lost: sign again";
    default:
      return undefined;
  }
}

/**
 * What a bundle carries of the answer, which is the message already. Its time is 0, and these logs promise
 * nothing: both are left out.
 */
function messageOf(answer: JsonObject): JsonObject {
  const logId = objectOf(answer["logId"], "logId");
  const kindVersion = objectOf(answer["kindVersion"], "kindVersion");
  const proof = objectOf(answer["inclusionProof"], "inclusionProof");
  const checkpoint = objectOf(proof["checkpoint"], "checkpoint");
  return {
    logIndex: String(numberOf(answer["logIndex"], "logIndex")),
    logId: { keyId: base64(bytesOf(logId["keyId"], "logId.keyId")) },
    kindVersion: {
      kind: textOf(kindVersion["kind"], "kind"),
      version: textOf(kindVersion["version"], "version"),
    },
    inclusionProof: {
      logIndex: String(numberOf(proof["logIndex"], "inclusionProof.logIndex")),
      rootHash: base64(bytesOf(proof["rootHash"], "rootHash")),
      treeSize: String(numberOf(proof["treeSize"], "treeSize")),
      hashes: listOf(proof["hashes"], "hashes")
        .map((item, index) => base64(bytesOf(item, `hashes[${index}]`))),
      checkpoint: { envelope: textOf(checkpoint["envelope"], "checkpoint.envelope") },
    },
    canonicalizedBody: base64(bytesOf(answer["canonicalizedBody"], "canonicalizedBody")),
  };
}
