/** Requests and answers as the services of the loopback Sigstore see them. */

import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { isObject, type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";

/** What a client asked for. */
export type Asked = {
  readonly method: string;
  readonly url: URL;
  readonly headers: IncomingHttpHeaders;
  readonly body: Uint8Array;
};

/** What it is answered. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
};

/** A service: answers what it is asked, or tells the lie it was told to. */
export type Service = (asked: Asked, lie: string | undefined) => Reply | Promise<Reply>;

/** Thrown to answer with a refusal. */
export class Refused extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`status ${reply.status}`);
    this.reply = reply;
  }
}

/** An answer in JSON. */
export function json(
  value: unknown,
  status: number = 200,
  headers: Readonly<Record<string, string>> = {},
): Reply {
  return {
    status,
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(value),
  };
}

/** An answer in plain text. */
export function text(body: string, status: number = 200): Reply {
  return { status, headers: { "content-type": "text/plain; charset=utf-8" }, body };
}

/** HTTP statuses with the gRPC codes that Fulcio and Rekor v2 put into the body. */
const GRPC_CODES: Readonly<Record<number, number>> = { 400: 3, 401: 16, 403: 7, 404: 5, 409: 6 };

/** A refusal in the form of a gRPC gateway. */
export function refused(status: number, message: string): Refused {
  return new Refused(json({ code: GRPC_CODES[status] ?? 13, message, details: [] }, status));
}

/** The body as a JSON object. */
export function objectIn(body: Uint8Array): JsonObject {
  try {
    const value = parseJson(body);
    if (isObject(value)) return value;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw refused(400, "the body is not a JSON object");
}

/** The object at a path of member names. */
export function objectAt(object: JsonObject, ...path: readonly string[]): JsonObject {
  const found = valueAt(object, path);
  if (isObject(found)) return found;
  throw refused(400, `${path.join(".")} is not an object`);
}

/** The text at a path of member names. */
export function textAt(object: JsonObject, ...path: readonly string[]): string {
  const found = valueAt(object, path);
  if (typeof found === "string" && found !== "") return found;
  throw refused(400, `${path.join(".")} is not a text`);
}

/** The bytes, in base64, at a path of member names. */
export function bytesAt(object: JsonObject, ...path: readonly string[]): Buffer {
  const encoded = textAt(object, ...path);
  const bytes = Buffer.from(encoded, "base64");
  if (bytes.toString("base64") === encoded) return bytes;
  throw refused(400, `${path.join(".")} is not base64`);
}

function valueAt(object: JsonObject, path: readonly string[]): Json | undefined {
  let value: Json | undefined = object;
  for (const name of path) value = isObject(value) ? value[name] : undefined;
  return value;
}
