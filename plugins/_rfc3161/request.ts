/** Asking an authority for a timestamp (RFC 3161 3.4: over HTTP). */

import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { type Issue, ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import {
  DerError,
  encode,
  encodeBoolean,
  encodeInteger,
  encodeOid,
  encodeSequence,
  TAG,
} from "../_der/mod.ts";
import { request } from "../_http/mod.ts";
import { isoTime, validityIssue } from "../_x509/mod.ts";
import { SHA256 } from "./algorithms.ts";
import { imprintIssue } from "./imprint.ts";
import { MAX_CLOCK_DIFFERENCE, MAX_TIMESTAMP_BYTES } from "./limits.ts";
import { readResponse } from "./response.ts";
import { findSigner } from "./signer.ts";
import { readToken, type Token } from "./token.ts";

/** What is to be time-stamped, and where. */
export type TimestampRequest = {
  readonly url: URL;
  /** The bytes themselves; only their SHA-256 is sent. */
  readonly imprinted: Uint8Array;
  /** Names the authority in messages. Default: "the timestamp authority". */
  readonly service?: string;
};

/** RFC 3161 2.4.1 wants 64 bits at least; OpenSSL sends as many, so every authority can take them. */
const NONCE_BYTES = 8;

/**
 * Asks for a timestamp and gives the response (TimeStampResp) as it came, once it is what was asked for: over
 * these bytes, with this request's nonce, and signed with the certificate that it brings, which was valid then.
 * Whether that one is trusted is for whoever verifies.
 *
 * @throws {ModelSigningError} `TIMESTAMP_REFUSED` when the authority declines, `NETWORK_RESPONSE` when the
 * answer is none to this request or its time lies in the future, and what `request` of plugins/_http throws
 */
export async function requestTimestamp(
  { url, imprinted, service = "the timestamp authority" }: TimestampRequest,
  options: RunOptions,
): Promise<Uint8Array> {
  const nonce = encodeInteger(randomBytes(NONCE_BYTES));
  const { body } = await request({
    service,
    url,
    method: "POST",
    headers: {
      "content-type": "application/timestamp-query",
      accept: "application/timestamp-reply",
    },
    body: query(imprinted, nonce),
    maxBytes: MAX_TIMESTAMP_BYTES,
  }, options);
  const where = `${service} (${url.host})`;
  const token = tokenOf(body, where);
  await checkAnswer(token, imprinted, nonce, where);
  compareClocks(token.info.time, where, options);
  return body;
}

/** TimeStampReq (RFC 3161 2.4.1). */
function query(imprinted: Uint8Array, nonce: Uint8Array): Uint8Array {
  const digest = createHash("sha256").update(imprinted).digest();
  return encodeSequence(
    encodeInteger(1),
    encodeSequence(
      encodeSequence(encodeOid(SHA256), encode(TAG.null)),
      encode(TAG.octetString, digest),
    ),
    nonce,
    encodeBoolean(true), // certReq: verifiers need its certificate
  );
}

function tokenOf(body: Uint8Array, where: string): Token {
  try {
    const response = readResponse(body);
    if (response.token) return readToken(response.token);
    throw new ModelSigningError(
      "TIMESTAMP_REFUSED",
      `${where} gave no timestamp: ${response.refusal}`,
    );
  } catch (error) {
    if (!(error instanceof DerError)) throw error;
    throw wrongAnswer(where, `no timestamp: ${error.message}`);
  }
}

async function checkAnswer(
  token: Token,
  imprinted: Uint8Array,
  nonce: Uint8Array,
  where: string,
): Promise<void> {
  if (!Buffer.from(nonce).equals(token.info.nonce ?? new Uint8Array())) {
    throw wrongAnswer(
      where,
      "a timestamp that is not the answer to this request: its nonce differs",
    );
  }
  const mismatch = imprintIssue(token.info, imprinted);
  if (mismatch) throw wrongAnswer(where, "a timestamp over other bytes", mismatch);
  const signer = await findSigner(token, token.certificates);
  // RFC 3161 2.4.1: with certReq, the certificate must be there. It is what tells a usable token.
  if (!signer) throw wrongAnswer(where, "a timestamp without the certificate of its signer");
  const issue = "issue" in signer
    ? signer.issue
    : validityIssue(signer.certificate, token.info.time);
  if (issue) throw wrongAnswer(where, `an unusable timestamp: ${issue.message}`, issue);
}

/** No verifier would believe a time to come. One that has passed may be right, and this machine's clock wrong. */
function compareClocks(time: Date, where: string, { logger }: RunOptions): void {
  const now = new Date();
  const ahead = time.getTime() - now.getTime();
  if (Math.abs(ahead) <= MAX_CLOCK_DIFFERENCE) return;
  const clocks = `the time ${isoTime(time)}, and this machine's clock says ${isoTime(now)}`;
  if (ahead > 0) {
    throw new ModelSigningError(
      "NETWORK_RESPONSE",
      `${where} answered with a timestamp in the future: ${clocks}`,
      { hint: "one of the two clocks is wrong: check this machine's, or ask another authority" },
    );
  }
  logger?.log("warn", `${where} answered with ${clocks}: one of the two is wrong`);
}

function wrongAnswer(where: string, found: string, issue?: Issue): ModelSigningError {
  return new ModelSigningError("NETWORK_RESPONSE", `${where} answered with ${found}`, {
    ...(issue ? { issues: [issue] } : {}),
  });
}
