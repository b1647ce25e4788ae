/** Entries of Rekor v1: `dsse` 0.0.1. */

import { Buffer } from "node:buffer";
import { base64, pem } from "../../core/encoding.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { serviceUrl } from "../_http/mod.ts";
import { MAX_BODY_VALUES } from "./entry_body.ts";
import { bytesOf, listOf, MemberError, numberOf, objectOf, textOf } from "./members.ts";
import { askLog, fromLog, LOG, type NewEntry } from "./new_entry.ts";

const PATH = "/api/v1/log/entries";

/**
 * The largest payload that is uploaded. It is sent in base64 as a text in a text, and V8 ends the process over a
 * text of 2^28 characters in JSON.
 */
const MAX_UPLOADED_BYTES = 128 * 1024 * 1024;

/** What can be done about an envelope that is too large. */
const TOO_LARGE =
  "this log takes whole envelopes: sign with fewer, larger shards, or with a log of API " +
  "version 2, which takes a digest only";

/**
 * Adds an envelope's entry, and gives it as Sigstore's TransparencyLogEntry message.
 *
 * @param base the log's address
 *
 * @throws {ModelSigningError} `BUNDLE_TOO_LARGE_TO_WRITE`, and what `requestJson` throws
 */
export async function addToRekor1(
  base: string,
  entry: NewEntry,
  options: RunOptions,
): Promise<JsonObject> {
  return await proposeToRekor1(base, envelopeEntry(entry), options);
}

/** Adds an entry of any kind, as the log wants it proposed. Throws what `requestJson` throws. */
export async function proposeToRekor1(
  base: string,
  proposed: JsonObject,
  options: RunOptions,
): Promise<JsonObject> {
  const url = serviceUrl(base, PATH, LOG, "SIGNING_CONFIG_MALFORMED");
  const body = JSON.stringify(proposed);
  const added = await askLog({ url, body, also: 409, hint }, options);
  // An attempt before this one arrived, and its answer was lost.
  const { json } = added.status === 409
    ? await askLog({ url: existing(url, added.headers.get("location")) }, options)
    : added;
  return fromLog(url, () => messageOf(json));
}

function hint(status: number): string | undefined {
  return status === 413 ? TOO_LARGE : undefined;
}

function envelopeEntry({ content, envelope, certificate }: NewEntry): JsonObject {
  const { payload, payloadType } = envelope;
  if (payload.length > MAX_UPLOADED_BYTES) {
    throw new ModelSigningError(
      "BUNDLE_TOO_LARGE_TO_WRITE",
      `${LOG} takes whole envelopes, and this one has ${payload.length} bytes, expected at most ` +
        `${MAX_UPLOADED_BYTES}`,
      { hint: TOO_LARGE },
    );
  }
  return {
    apiVersion: "0.0.1",
    kind: "dsse",
    spec: {
      proposedContent: {
        envelope: JSON.stringify({
          payload: base64(payload),
          payloadType,
          signatures: [{ sig: base64(content.signature) }],
        }),
        verifiers: [base64(Buffer.from(pem("CERTIFICATE", certificate), "latin1"))],
      },
    },
  };
}

/** Where the entry is that exists already: on the same log, and nowhere else. */
function existing(entries: URL, location: string | null): URL {
  const url = location === null || !URL.canParse(location, entries)
    ? undefined
    : new URL(location, entries);
  const id = url?.origin === entries.origin && url.pathname.startsWith(`${entries.pathname}/`)
    ? url.pathname.slice(entries.pathname.length + 1)
    : "";
  // A tree's number of 8 bytes, then the leaf's hash; a log of one tree may leave the number out.
  if (!/^(?:[0-9a-f]{16})?[0-9a-f]{64}$/.test(id)) {
    throw new ModelSigningError(
      "NETWORK_RESPONSE",
      `${LOG} (${entries.host}) has the entry already, at ${
        location === null ? "an address that it does not give" : excerpt(location)
      }, expected one of its own entries`,
      { hint: "sign again" },
    );
  }
  const found = new URL(entries);
  found.pathname += `/${id}`;
  return found;
}

/** `{ "<id>": { body, integratedTime, logID, logIndex, verification } }`, as a bundle writes it. */
function messageOf(answer: JsonObject): JsonObject {
  const [value, ...others] = Object.values(answer);
  if (value === undefined || others.length > 0) {
    throw new MemberError(`there are ${Object.keys(answer).length} entries, expected one`);
  }
  const entry = objectOf(value, "the entry");
  const verification = objectOf(entry["verification"], "verification");
  const proof = objectOf(verification["inclusionProof"], "inclusionProof");
  const promise = bytesOf(verification["signedEntryTimestamp"], "signedEntryTimestamp");
  const body = bytesOf(entry["body"], "body");
  return {
    logIndex: String(numberOf(entry["logIndex"], "logIndex")),
    logId: { keyId: fromHex(entry["logID"], "logID") },
    kindVersion: kindOf(body),
    integratedTime: String(numberOf(entry["integratedTime"], "integratedTime")),
    inclusionPromise: { signedEntryTimestamp: base64(promise) },
    inclusionProof: {
      logIndex: String(numberOf(proof["logIndex"], "inclusionProof.logIndex")),
      rootHash: fromHex(proof["rootHash"], "rootHash"),
      treeSize: String(numberOf(proof["treeSize"], "treeSize")),
      hashes: listOf(proof["hashes"], "hashes")
        .map((item, index) => fromHex(item, `hashes[${index}]`)),
      checkpoint: { envelope: textOf(proof["checkpoint"], "checkpoint") },
    },
    canonicalizedBody: base64(body),
  };
}

/** Kind and version, which stand in the body only. */
function kindOf(body: Uint8Array): JsonObject {
  try {
    const { kind, apiVersion } = objectOf(parseJson(body, MAX_BODY_VALUES), "the body");
    return { kind: textOf(kind, "kind"), version: textOf(apiVersion, "apiVersion") };
  } catch (error) {
    if (error instanceof JsonError) throw new MemberError(`its body is no JSON: ${error.message}`);
    throw error;
  }
}

/** Hex, as base64. */
function fromHex(value: Json | undefined, where: string): string {
  const text = textOf(value, where);
  if (!/^(?:[0-9a-f]{2})+$/.test(text)) throw new MemberError(`${where} is not lowercase hex`);
  return base64(Buffer.from(text, "hex"));
}
