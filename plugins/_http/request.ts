/** One request, with a deadline, a size limit and bounded retries. */

import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { traced } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";

/** What is asked of a service. */
export type HttpRequest = {
  /** Names the service in messages: "the certificate authority". */
  readonly service: string;
  readonly url: URL;
  readonly method?: "GET" | "POST";
  /** May hold credentials; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Bytes that the answer's body may have. */
  readonly maxBytes: number;
  /** Statuses that are an answer. Default: 200 to 299. */
  readonly accepts?: (status: number) => boolean;
  /**
   * How often a failed request is sent again: after an outage, 429 and 5xx. Only requests that may be carried
   * out twice should be. Default 2.
   */
  readonly retries?: number;
  /** Texts that must not be shown, if the answer repeats them. */
  readonly secrets?: readonly string[];
  /** What the user can do about a status that is no answer. */
  readonly hint?: (status: number) => string | undefined;
};

/** An answer with a status that was accepted. */
export type HttpResponse = {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
};

/** Limit of one request when the run sets none. Rekor v2 answers only once the entry is in the log. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** First pause before a request is sent again; doubled each time. */
const FIRST_PAUSE_MS = 250;

/** The longest pause, also when the service asks for a longer one. */
const MAX_PAUSE_MS = 10_000;

/** Bytes of a refusal's body that are read to say why. */
const MAX_REASON_BYTES = 64 * 1024;

/** How a failed attempt ended, and whether another may do better. */
class Failure extends Error {
  readonly error: ModelSigningError;
  readonly retry: boolean;
  readonly pause: number | undefined;

  constructor(error: ModelSigningError, retry: boolean, pause?: number) {
    super(error.message);
    this.error = error;
    this.retry = retry;
    this.pause = pause;
  }
}

/**
 * Sends a request and reads the answer. Redirects are not followed: they would carry a token elsewhere.
 *
 * @throws {ModelSigningError} `NETWORK_UNREACHABLE`, `NETWORK_TIMEOUT`, `NETWORK_STATUS` for a status that is
 * not accepted, `NETWORK_RESPONSE` for a body that is too large or breaks off, `ABORTED`
 */
export async function request(
  { retries = 2, ...asked }: HttpRequest,
  options: RunOptions,
): Promise<HttpResponse> {
  return await traced(options.observer, "http.request", undefined, async (span) => {
    for (let attempt = 0;; attempt++) {
      throwIfAborted(options.signal);
      try {
        const response = await send(asked, options);
        span.set({ "http.status": response.status, "http.bytes": response.body.length, attempt });
        return response;
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        if (!error.retry || attempt >= retries) throw error.error;
        const pause = Math.min(error.pause ?? FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS);
        options.logger?.log("debug", `asking ${asked.service} again`, {
          attempt: attempt + 1,
          code: error.error.code,
          pause,
        });
        await sleep(pause, undefined, options.signal ? { signal: options.signal } : {})
          .catch(() => throwIfAborted(options.signal));
      }
    }
  }, { service: asked.service, method: asked.method ?? "GET" });
}

/** The same for an answer that must be a JSON object. Throws also `NETWORK_RESPONSE` when it is none. */
export async function requestJson(
  asked: HttpRequest,
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

async function send(
  asked: Omit<HttpRequest, "retries">,
  options: RunOptions,
): Promise<HttpResponse> {
  const { service, url } = asked;
  const where = `${service} (${url.host})`;
  const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), timeout);
  const signal = options.signal
    ? AbortSignal.any([options.signal, deadline.signal])
    : deadline.signal;
  try {
    const response = await fetch(url, {
      method: asked.method ?? "GET",
      headers: { "user-agent": "model-signing", ...asked.headers },
      ...(asked.body === undefined ? {} : { body: asked.body as BodyInit }),
      redirect: "manual",
      signal,
    });
    const accepts = asked.accepts ?? ((status) => status >= 200 && status < 300);
    if (!accepts(response.status)) throw await refusal(asked, where, response);
    const body = await readBody(response, asked.maxBytes);
    if (body === undefined) {
      throw new Failure(
        new ModelSigningError(
          "NETWORK_RESPONSE",
          `${where} answered with more than ${asked.maxBytes} bytes`,
        ),
        false,
      );
    }
    return { status: response.status, headers: response.headers, body };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throwIfAborted(options.signal);
    if (deadline.signal.aborted) {
      throw new Failure(
        new ModelSigningError(
          "NETWORK_TIMEOUT",
          `${where} did not answer within ${timeout / 1000} s`,
          {
            hint: "raise the limit with --timeout",
          },
        ),
        false,
      );
    }
    // The runtimes' errors name addresses and headers in ways of their own; the code is enough.
    throw new Failure(
      new ModelSigningError("NETWORK_UNREACHABLE", `cannot reach ${where}${networkReason(error)}`),
      true,
    );
  } finally {
    clearTimeout(timer);
    // Ends a body that was not read to its end.
    deadline.abort();
  }
}

async function refusal(
  { secrets = [], hint }: Pick<HttpRequest, "secrets" | "hint">,
  where: string,
  response: Response,
): Promise<Failure> {
  const { status, headers } = response;
  const body = await readBody(response, MAX_REASON_BYTES);
  const said = reasonIn(body ?? new Uint8Array());
  const shown = said === undefined || secrets.some((secret) => said.includes(secret))
    ? ""
    : `: ${excerpt(said)}`;
  const advice = hint?.(status);
  return new Failure(
    new ModelSigningError(
      "NETWORK_STATUS",
      `${where} answered with status ${status}${shown}`,
      advice === undefined ? {} : { hint: advice },
    ),
    status === 429 || status >= 500,
    retryAfter(headers),
  );
}

/** The words of a refusal, when it is JSON with a message or a short text. */
function reasonIn(body: Uint8Array): string | undefined {
  try {
    const json = parseJson(body, MAX_ANSWER_VALUES);
    if (!isObject(json)) return undefined;
    const texts = [json["message"], json["error_description"], json["error"]];
    return texts.find((text) => typeof text === "string" && text !== "") as string | undefined;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const text = Buffer.from(body).toString("utf8").trim();
    // A page of HTML says nothing to a person at a terminal.
    return text === "" || text.startsWith("<") ? undefined : text;
  }
}

/** RFC 9110 10.2.3: seconds, or a date. In ms. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get("retry-after");
  if (value === null) return undefined;
  if (/^[0-9]{1,6}$/.test(value)) return Number(value) * 1000;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, date - Date.now());
}

/** The body, or undefined when it is longer than allowed. */
async function readBody(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (response.body) {
    for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
      length += chunk.length;
      if (length > maxBytes) return undefined;
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

/** `: connection refused`, when the runtime tells. */
function networkReason(error: unknown): string {
  const texts = [error, (error as { cause?: unknown } | null)?.cause].map((each) => {
    const { code, message } = (each ?? {}) as { code?: unknown; message?: unknown };
    return `${String(code ?? "")} ${String(message ?? "")}`;
  }).join(" ");
  for (const [pattern, reason] of REASONS) if (pattern.test(texts)) return `: ${reason}`;
  return "";
}

/** Deno and Bun word the same failures differently. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/ECONNREFUSED|ConnectionRefused|connection refused/i, "connection refused"],
  [/ENOTFOUND|EAI_AGAIN|dns error|getaddrinfo|lookup/i, "its name cannot be resolved"],
  [/ECONNRESET|ConnectionReset|connection reset|closed/i, "the connection was closed"],
  [/ENETUNREACH|EHOSTUNREACH|unreachable/i, "no route to it"],
  [/certificate|CERT_|TLS|SSL|UnknownIssuer/i, "its TLS certificate is not trusted"],
];
