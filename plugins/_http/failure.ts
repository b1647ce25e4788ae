/** How a request fails, in words that both runtimes share. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import { isObject, type Json, JsonError, parseJson } from "../../core/json.ts";
import { excerpt } from "../../core/text.ts";
import type { HttpRequest } from "./http_request.ts";

/** How a failed attempt ended, and whether another may do better. */
export class Failure extends Error {
  /** What the caller is told. */
  readonly error: ModelSigningError;
  /** Whether the same request may succeed later. */
  readonly retry: boolean;
  /** The pause that the service asks for, in ms. */
  readonly pause: number | undefined;
  /** The status that is no answer, when it was that. */
  readonly status: number | undefined;

  /** Wraps what the caller is told. */
  constructor(error: ModelSigningError, retry: boolean, pause?: number, status?: number) {
    super(error.message);
    this.error = error;
    this.retry = retry;
    this.pause = pause;
    this.status = status;
  }
}

/** Bytes of a refusal's body that are read to say why. */
export const MAX_REASON_BYTES: number = 64 * 1024;

/** Values in a refusal. */
const MAX_REASON_VALUES = 10_000;

/**
 * The failure that a status stands for.
 *
 * @param where the service and its host
 * @param body undefined when it is longer than {@link MAX_REASON_BYTES}
 */
export function refusal(
  { secrets = [], hint, refusal: told }: Pick<HttpRequest, "secrets" | "hint" | "refusal">,
  where: string,
  { status, headers }: Response,
  body: Uint8Array | undefined,
  foreign: boolean,
): Failure {
  const reason = reasonIn(body ?? new Uint8Array());
  const said = reason === undefined || secrets.some((secret) => repeats(reason, secret))
    ? ""
    : `: ${excerpt(reason)}`;
  const advice = hint?.(status);
  const error = told?.(status, said, foreign) ?? new ModelSigningError(
    "NETWORK_STATUS",
    `${where} answered with status ${status}${said}`,
    advice === undefined ? {} : { hint: advice },
  );
  return new Failure(error, status === 429 || status >= 500, retryAfter(headers), status);
}

/** Characters of a secret in a row that are a part of it, and no coincidence. */
const TELLING_PART = 16;

/** Whether a text shows a secret, or its beginning a part of one: services quote tokens cut short. */
function repeats(text: string, secret: string): boolean {
  if (secret === "") return false;
  const shown = excerpt(text);
  for (let at = 0; at + TELLING_PART <= shown.length; at++) {
    if (secret.includes(shown.slice(at, at + TELLING_PART))) return true;
  }
  return text.includes(secret);
}

/** The words of a refusal, when it is JSON with a message or a short text. */
function reasonIn(body: Uint8Array): string | undefined {
  try {
    const json = parseJson(body, MAX_REASON_VALUES);
    if (!isObject(json)) return undefined;
    // OCI distribution 1.1, "Error Codes": a list of objects with a code and a message.
    const [first]: readonly Json[] = Array.isArray(json["errors"]) ? json["errors"] : [];
    const listed = isObject(first) ? [first["message"], first["code"]] : [];
    const texts = [json["message"], json["error_description"], json["error"], ...listed];
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

/** `: connection refused`, when the runtime tells. */
export function networkReason(error: unknown): string {
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
