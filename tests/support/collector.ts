/** A collector of traces on loopback, and a reader of what it is sent (OTLP 1.x, protobuf and JSON). */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Loose } from "./bundles.ts";

/** One export. */
export type Export = {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Uint8Array;
};

/** A span as it was sent; ids are lowercase hex. */
export type SentSpan = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** "" at the top. */
  readonly parentSpanId: string;
  /** ns since 1970. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly kind: number;
  /** Message of the status "error". */
  readonly error?: string;
};

/** What one export holds. */
export type Trace = {
  readonly resource: Readonly<Record<string, unknown>>;
  readonly spans: readonly SentSpan[];
};

/** A running collector. */
export type Collector = AsyncDisposable & {
  readonly url: string;
  readonly exports: readonly Export[];
  /** Connections that there have been, and those that have ended. */
  readonly connections: { readonly opened: number; readonly closed: number };
  /** Resolves when another connection has ended. */
  closed(): Promise<void>;
};

/** Starts a collector. By default it answers every export with success. */
export async function startCollector(
  answer: (response: ServerResponse, request: Export) => void = (response) => response.end(),
): Promise<Collector> {
  const exports: Export[] = [];
  const connections = { opened: 0, closed: 0 };
  const sockets = new Set<Socket>();
  const closings: (() => void)[] = [];
  const server = createServer((request, response) => {
    const chunks: Uint8Array[] = [];
    request.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    request.on("end", () => {
      const sent = {
        path: request.url ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
      };
      exports.push(sent);
      answer(response, sent);
    });
  });
  server.on("connection", (socket: Socket) => {
    connections.opened++;
    sockets.add(socket);
    // The other end may be gone in the middle of an answer.
    socket.on("error", () => {});
    socket.on("close", () => {
      connections.closed++;
      sockets.delete(socket);
      closings.splice(0).forEach((closing) => closing());
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    exports,
    connections,
    closed: () => new Promise((resolve) => closings.push(resolve)),
    async [Symbol.asyncDispose]() {
      sockets.forEach((socket) => socket.destroy());
      server.close();
      await once(server, "close");
    },
  };
}

/** Reads an export by its content type. */
export function traceOf({ headers, body }: Export): Trace {
  return headers["content-type"] === "application/json"
    ? fromJson(JSON.parse(Buffer.from(body).toString("utf8")))
    : fromProtobuf(body);
}

function fromJson({ resourceSpans: [{ resource, scopeSpans }] }: Loose): Trace {
  const attributes = (list: Loose[] = []) =>
    Object.fromEntries(list.map(({ key, value }) => [key, valueOf(Object.entries(value)[0]!)]));
  return {
    resource: attributes(resource.attributes),
    spans: scopeSpans.flatMap(({ spans }: Loose) => spans).map((span: Loose) => ({
      name: span.name,
      traceId: span.traceId,
      spanId: span.spanId,
      parentSpanId: span.parentSpanId ?? "",
      kind: span.kind,
      start: BigInt(span.startTimeUnixNano),
      end: BigInt(span.endTimeUnixNano),
      attributes: attributes(span.attributes),
      ...(span.status.code === 2 ? { error: span.status.message } : {}),
    })),
  };
}

function valueOf([kind, value]: readonly [string, unknown]): unknown {
  return kind === "intValue" ? Number(value) : value;
}

/** Field numbers of opentelemetry/proto/trace/v1/trace.proto and what it imports. */
function fromProtobuf(body: Uint8Array): Trace {
  const [resourceSpans] = message(body, 1);
  const [resource] = message(resourceSpans!, 1);
  const spans = message(resourceSpans!, 2).flatMap((scope) => message(scope, 2));
  return {
    resource: attributesOf(message(resource!, 1)),
    spans: spans.map((span) => {
      const [status = new Uint8Array()] = message(span, 15);
      return {
        traceId: hex(message(span, 1)[0]),
        spanId: hex(message(span, 2)[0]),
        parentSpanId: hex(message(span, 4)[0]),
        name: utf8(message(span, 5)[0]),
        kind: Number(integer(span, 6)),
        start: integer(span, 7),
        end: integer(span, 8),
        attributes: attributesOf(message(span, 9)),
        ...(integer(status, 3) === 2n ? { error: utf8(message(status, 2)[0]) } : {}),
      };
    }),
  };
}

function attributesOf(pairs: readonly Uint8Array[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.map((pair) => {
    const [value] = message(pair, 2);
    const [text] = message(value!, 1);
    const found = text === undefined ? fields(value!).map(scalar)[0] : utf8(text);
    return [utf8(message(pair, 1)[0]), found];
  }));
}

/** `bool_value`, `int_value` or `double_value`. */
function scalar({ number, value }: Field): unknown {
  if (number === 2) return value === 1n;
  if (number === 3) return Number(value);
  return new Float64Array(BigUint64Array.of(value as bigint).buffer)[0];
}

type Field = { readonly number: number; readonly value: bigint | Uint8Array };

/** The fields of a message (Protocol Buffers, "Encoding"). */
function fields(bytes: Uint8Array): readonly Field[] {
  const found: Field[] = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n;; shift += 7n) {
      const byte = bytes[at++]!;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    switch (tag & 7) {
      case 0:
        found.push({ number, value: varint() });
        break;
      case 1:
        found.push({ number, value: view.getBigUint64(at, true) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        found.push({ number, value: bytes.subarray(at, at += length) });
        break;
      }
      case 5:
        found.push({ number, value: BigInt(view.getUint32(at, true)) });
        at += 4;
        break;
      default:
        throw new Error(`wire type ${tag & 7}`);
    }
  }
  return found;
}

function message(bytes: Uint8Array, number: number): readonly Uint8Array[] {
  return fields(bytes).flatMap((field) =>
    field.number === number && typeof field.value !== "bigint" ? [field.value] : []
  );
}

function integer(bytes: Uint8Array, number: number): bigint {
  const value = fields(bytes).find((field) => field.number === number)?.value;
  return typeof value === "bigint" ? value : 0n;
}

function utf8(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString("utf8");
}

function hex(bytes: Uint8Array = new Uint8Array()): string {
  return Buffer.from(bytes).toString("hex");
}
