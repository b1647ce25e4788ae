/** What an authority answers: a status, and a token if it agreed (RFC 3161 2.4.2). */

import { excerpt } from "../../core/text.ts";
import { DerError, type DerReader, namedBits, readOnly, smallInteger, TAG } from "../_der/mod.ts";
import { MAX_SHOWN_TEXTS, MAX_TIMESTAMP_BYTES } from "./limits.ts";

/** A TimeStampResp: the token, or why there is none. */
export type Response =
  | {
    /** A ContentInfo, DER. */
    readonly token: Uint8Array;
  }
  | {
    readonly token?: undefined;
    /** The authority's words, safe to print. */
    readonly refusal: string;
  };

/** PKIStatus, by number (RFC 3161 2.4.2). */
const STATUS: readonly string[] = [
  "granted",
  "granted with modifications",
  "rejected",
  "waiting",
  "a revocation is imminent",
  "a revocation has occurred",
];

/** PKIFailureInfo, by the number of the bit (RFC 3161 2.4.2). */
const FAILURES: Readonly<Record<number, string>> = {
  0: "the algorithm is not supported",
  2: "the request is not permitted",
  5: "the data has the wrong format",
  14: "its time source is not available",
  15: "the policy is not supported",
  16: "the extension is not supported",
  17: "additional information is not available",
  25: "system failure",
};

/** Reads a TimeStampResp. Throws DerError. */
export function readResponse(bytes: Uint8Array): Response {
  const frame = frameOf(bytes);
  const status = readStatus(frame);
  if (status !== undefined) {
    if (!frame.done) throw new DerError("it holds a token beside a refusal");
    return { refusal: status };
  }
  if (frame.done) throw new DerError("it says that a token was granted and holds none");
  const token = frame.next("the token").whole;
  frame.end("it");
  return { token };
}

/** Reads a TimeStampResp, or a token on its own, which is what some tools keep. Throws DerError. */
export function readStored(bytes: Uint8Array): Response {
  // A ContentInfo begins with its type, a TimeStampResp with a SEQUENCE.
  return frameOf(bytes).nextTag === TAG.oid ? { token: bytes } : readResponse(bytes);
}

function frameOf(bytes: Uint8Array): DerReader {
  if (bytes.length > MAX_TIMESTAMP_BYTES) {
    throw new DerError(`it has more than ${MAX_TIMESTAMP_BYTES} bytes`);
  }
  return readOnly(bytes, TAG.sequence, "it");
}

/** Undefined when the token was granted, else why not. */
function readStatus(frame: DerReader): string | undefined {
  const what = "the status";
  const reader = frame.enter(TAG.sequence, what);
  const status = smallInteger(reader.read(TAG.integer, what).content, what);
  const words = reader.optional(TAG.sequence, "the status text");
  const texts = words ? readTexts(words.whole) : [];
  const failure = reader.optional(TAG.bitString, "the failure information");
  const failures = failure
    ? [...namedBits(failure.content, "the failure information")]
      .map((bit) => FAILURES[bit] ?? `failure ${bit}`)
    : [];
  reader.end(what);
  if (status <= 1) return undefined;
  const reasons = [...failures, ...texts.map(excerpt)];
  return `${STATUS[status] ?? `status ${status}`}${
    reasons.length === 0 ? "" : `: ${reasons.join(", ")}`
  }`;
}

/** PKIFreeText: what the authority has to say, in one or several languages. */
function readTexts(der: Uint8Array): readonly string[] {
  const what = "the status text";
  const reader = readOnly(der, TAG.sequence, what);
  const texts: string[] = [];
  // Whatever is no UTF-8 is shown as U+FFFD: it is only shown.
  do {
    const { content } = reader.read(TAG.utf8String, what);
    texts.push(new TextDecoder().decode(content));
  } while (!reader.done);
  return texts.slice(0, MAX_SHOWN_TEXTS);
}
