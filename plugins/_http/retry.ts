/** Sending a request again when that may help. */

import { Buffer } from "node:buffer";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { type Attributes, type Span, traced } from "../../core/observer.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { Attempt } from "./attempt.ts";
import { Failure } from "./failure.ts";
import type { HttpRequest } from "./http_request.ts";

/** First pause before a request is sent again; doubled each time. */
const FIRST_PAUSE_MS = 250;

/** The longest pause, also when the service asks for a longer one. */
const MAX_PAUSE_MS = 10_000;

// The names are those of OpenTelemetry's semantic conventions for HTTP clients.

/** Attribute of a span: the status that was answered, also when it is no answer. */
export const STATUS = "http.response.status_code";

/** How often the request was sent again. */
const RESENT = "http.request.resend_count";

/**
 * Makes attempts until one succeeds, or fails for good: one span for all of them.
 *
 * @param use takes the answer of an attempt; on failure the attempt is disposed of
 * @throws {ModelSigningError} `USAGE` for a header that cannot be sent, and what the attempts end with
 */
export async function attempts<T>(
  asked: HttpRequest,
  options: RunOptions,
  use: (attempt: Attempt, span: Span) => Promise<T>,
): Promise<T> {
  const { service, method = "GET", retries = 2, body } = asked;
  const headers = sendable(asked);
  return await traced(options, "http.request", async ({ span }) => {
    for (let count = 0;; count++) {
      throwIfAborted(options.signal);
      const attempt = new Attempt(asked, headers, options);
      if (count > 0) span.set({ [RESENT]: count });
      try {
        const result = await use(attempt, span);
        span.set({}, whereOf(attempt.url));
        return result;
      } catch (error) {
        const failure = attempt.failure(error);
        attempt[Symbol.dispose]();
        if (!(failure instanceof Failure)) throw failure;
        span.set(failure.status === undefined ? {} : { [STATUS]: failure.status });
        span.set({}, whereOf(attempt.url));
        if (!failure.retry || count >= retries) throw failure.error;
        const pause = Math.min(failure.pause ?? FIRST_PAUSE_MS * 2 ** count, MAX_PAUSE_MS);
        options.logger?.log("debug", `asking ${service} again`, {
          [RESENT]: count + 1,
          [STATUS]: failure.status,
          "error.type": failure.error.code,
          pause,
        });
        await sleep(pause, undefined, options.signal ? { signal: options.signal } : {})
          .catch(() => throwIfAborted(options.signal));
      }
    }
  }, {
    attributes: {
      service,
      "http.request.method": method,
      ...(body === undefined ? {} : { "http.request.body.size": Buffer.byteLength(body) }),
    },
    details: whereOf(asked.url),
  });
}

/** The headers. The runtimes take one that cannot be sent for an outage, and quote it, which may be a credential. */
function sendable({ service, url, headers = {} }: HttpRequest): Headers {
  const checked = new Headers({ "user-agent": "model-signing" });
  for (const [name, value] of Object.entries(headers)) {
    try {
      checked.set(name, value);
    } catch {
      throw new ModelSigningError(
        "USAGE",
        `the request to ${service} (${url.host}) cannot be sent: ` +
          `its header ${excerpt(name)} holds characters that HTTP does not allow`,
      );
    }
  }
  return checked;
}

/** Whom a request goes to. No more of the address: paths and queries may let in whoever has them. */
function whereOf({ hostname, port, protocol }: URL): Attributes {
  return { "server.address": hostname, "server.port": Number(port) || DEFAULT_PORT[protocol] || 0 };
}

const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };
