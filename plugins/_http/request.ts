/** A request whose answer is read as a whole, with a deadline, a size limit and bounded retries. */

import { ModelSigningError } from "../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { Failure } from "./failure.ts";
import type { HttpRequest } from "./http_request.ts";
import { attempts, STATUS } from "./retry.ts";

/** An answer with a status that was accepted. */
export type HttpResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
  /** Another origin answered, after a redirect. */
  readonly foreign: boolean;
};

/** Limits a request's answer. */
export type Limited = {
  /** Bytes that the answer's body may have. */
  readonly maxBytes: number;
  /** The error for more, instead of `NETWORK_RESPONSE`. */
  readonly tooLarge?: ModelSigningError;
};

/**
 * Sends a request and reads the answer. Redirects are not followed unless asked for: they would carry a token
 * elsewhere.
 *
 * @throws {ModelSigningError} `NETWORK_UNREACHABLE`, `NETWORK_TIMEOUT`, `NETWORK_STATUS` for a status that is
 * not accepted, `NETWORK_RESPONSE` for a body that is too large or breaks off, `USAGE` for a header that cannot be
 * sent, `ABORTED`
 */
export async function request(
  { maxBytes, tooLarge, ...asked }: HttpRequest & Limited,
  options: RunOptions,
): Promise<HttpResponse> {
  return await attempts(asked, options, async (attempt, span) => {
    const response = await attempt.head();
    const body = await attempt.bodyOf(response, maxBytes);
    if (body === undefined) {
      throw new Failure(
        tooLarge ?? new ModelSigningError(
          "NETWORK_RESPONSE",
          `${attempt.where} answered with more than ${maxBytes} bytes`,
        ),
        false,
      );
    }
    attempt[Symbol.dispose]();
    const { status, headers } = response;
    span.set({ [STATUS]: status, "http.response.body.size": body.length });
    return { status, headers, body, foreign: attempt.foreign };
  });
}

/** The same for an answer that must be a JSON object. Throws also `NETWORK_RESPONSE` when it is none. */
export async function requestJson(
  asked: HttpRequest & Limited,
  options: RunOptions,
): Promise<{ readonly json: JsonObject; readonly headers: Headers; readonly status: number }> {
  const { body, headers, status } = await request({
    ...asked,
    headers: { accept: "application/json", ...asked.headers },
  }, options);
  try {
    const json = parseJson(body, MAX_ANSWER_VALUES);
    if (isObject(json)) return { json, headers, status };
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw new ModelSigningError(
    "NETWORK_RESPONSE",
    `${asked.service} (${asked.url.host}) answered with something that is no JSON object`,
  );
}

/** Values in an answer: the largest, a log entry with its proof, has about 100. */
const MAX_ANSWER_VALUES = 100_000;
