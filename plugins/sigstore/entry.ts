/** Entries of a transparency log, as a bundle carries them (Sigstore's TransparencyLogEntry message). */

import { hex } from "../../core/encoding.ts";
import { type Parsed, parsed, Refusal } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { type Checkpoint, parseCheckpoint } from "./checkpoint.ts";
import { bytesOf, listOf, MemberError, numberOf, objectOf, textOf } from "./members.ts";

/** An entry, parsed and not verified. */
export type LogEntry = {
  /** Lowercase hex. */
  readonly logId: string;
  /** In the log as a whole; the proof's own index is that in its current tree. */
  readonly logIndex: number;
  readonly kind: string;
  readonly version: string;
  /** Worth something only with a promise that holds. Absent in Rekor v2, which promises nothing. */
  readonly integratedTime?: Date;
  /** The log's signature over body, time and index: the signed entry timestamp. */
  readonly promise?: Uint8Array;
  readonly proof?: InclusionProof;
  /** The entry itself: JSON, as it stands in the tree. */
  readonly body: Uint8Array;
};

/** Says that the entry is in the tree that the checkpoint describes. */
export type InclusionProof = {
  readonly logIndex: number;
  readonly treeSize: number;
  readonly rootHash: Uint8Array;
  /** From the leaf upwards. */
  readonly hashes: readonly Uint8Array[];
  readonly checkpoint: Checkpoint;
};

/** Hashes in a proof: a tree of 2^53 leaves needs 53. */
const MAX_PROOF_HASHES = 64;

/** Bytes of a log's id, which is a digest of its key: SHA-256 in all logs so far. */
const MAX_LOG_ID_BYTES = 64;

/** UTF-16 units of an entry's kind, and of its version. The longest kind that Rekor knows has 12. */
const MAX_KIND_LENGTH = 50;

/** Whether a log of Rekor v2 has made the entry. Version 0.0.2 of `intoto` is Rekor v1's. */
export function isOfRekor2({ kind, version }: Pick<LogEntry, "kind" | "version">): boolean {
  return version === "0.0.2" && kind !== "intoto";
}

/** Parses an entry. Never throws for what is in it. Finding: `TLOG_ENTRY_MALFORMED`. */
export function parseEntry(json: JsonObject): Parsed<LogEntry> {
  return parsed(() => {
    try {
      return entryOf(json);
    } catch (error) {
      if (!(error instanceof MemberError)) throw error;
      throw new Refusal("TLOG_ENTRY_MALFORMED", `a log entry is malformed: ${error.message}`);
    }
  });
}

function entryOf(json: JsonObject): LogEntry {
  const logId = objectOf(json["logId"], "logId");
  const kindVersion = objectOf(json["kindVersion"], "kindVersion");
  const kind = shortTextOf(kindVersion["kind"], "kindVersion.kind");
  const version = shortTextOf(kindVersion["version"], "kindVersion.version");
  const keyId = bytesOf(logId["keyId"], "logId.keyId");
  const seconds = numberOf(json["integratedTime"], "integratedTime");
  // Members that are not set may be written as null.
  const promise = json["inclusionPromise"] ?? undefined;
  const proof = json["inclusionProof"] ?? undefined;
  if (keyId.length > MAX_LOG_ID_BYTES) throw new MemberError("logId.keyId is too long");
  if (seconds > MAX_SECONDS) throw new MemberError("integratedTime is out of range");
  // Rekor v2 signs no time, so one can only have been put in by somebody else.
  if (isOfRekor2({ kind, version }) && seconds > 0 && promise === undefined) {
    throw new MemberError("integratedTime is given, and the log has not signed it");
  }
  return {
    logId: hex(keyId),
    logIndex: numberOf(json["logIndex"], "logIndex"),
    kind,
    version,
    ...(seconds === 0 ? {} : { integratedTime: new Date(seconds * 1000) }),
    ...(promise === undefined ? {} : {
      promise: bytesOf(
        objectOf(promise, "inclusionPromise")["signedEntryTimestamp"],
        "signedEntryTimestamp",
      ),
    }),
    ...(proof === undefined ? {} : { proof: proofOf(objectOf(proof, "inclusionProof")) }),
    body: bytesOf(json["canonicalizedBody"], "canonicalizedBody"),
  };
}

/** What a `Date` can hold, in seconds. */
const MAX_SECONDS = 8_640_000_000_000;

function proofOf(proof: JsonObject): InclusionProof {
  const hashes = listOf(proof["hashes"], "hashes");
  if (hashes.length > MAX_PROOF_HASHES) throw new MemberError("the inclusion proof is too long");
  const checkpoint = objectOf(proof["checkpoint"], "inclusionProof.checkpoint");
  return {
    logIndex: numberOf(proof["logIndex"], "inclusionProof.logIndex"),
    treeSize: numberOf(proof["treeSize"], "inclusionProof.treeSize"),
    rootHash: hash(bytesOf(proof["rootHash"], "rootHash"), "rootHash"),
    hashes: hashes.map((item, index) =>
      hash(bytesOf(item, `hashes[${index}]`), `hashes[${index}]`)
    ),
    checkpoint: parseCheckpoint(textOf(checkpoint["envelope"], "checkpoint.envelope")),
  };
}

function shortTextOf(value: Json | undefined, where: string): string {
  const text = textOf(value, where);
  if (text.length > MAX_KIND_LENGTH) throw new MemberError(`${where} is too long`);
  return text;
}

function hash(bytes: Uint8Array, where: string): Uint8Array {
  if (bytes.length !== 32) throw new MemberError(`${where} has ${bytes.length} bytes, expected 32`);
  return bytes;
}
