/** A server on loopback that answers with exactly the bytes that a test wants, and closes when it is told to. */

import { Buffer } from "node:buffer";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";

/** What was asked. */
export type Asked = {
  readonly method: string;
  readonly path: string;
  /** By lowercase name. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The server. Every connection is for one request. */
export type Server = AsyncDisposable & {
  readonly url: URL;
  /** Oldest first. */
  readonly asked: readonly Asked[];
};

/** Starts one. `answer` writes to the socket, and ends or destroys it, or does neither. */
export async function listen(
  answer: (asked: Asked, socket: Socket, count: number) => void,
): Promise<Server> {
  const seen: Asked[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Clients go away in the middle here.
    socket.on("error", () => {});
    let received = Buffer.alloc(0);
    let answered = false;
    socket.on("data", (chunk: Uint8Array) => {
      received = Buffer.concat([received, chunk]);
      const asked = answered ? undefined : requestIn(received);
      if (!asked) return;
      answered = true;
      answer(asked, socket, seen.push(asked) - 1);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`),
    asked: seen,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

/** An answer with its length, or the length that is claimed. */
export function answerOf(
  status: number,
  body: string | Uint8Array = "",
  headers: Readonly<Record<string, string | number>> = {},
): Buffer {
  const bytes = Buffer.from(body as string);
  const all = { "content-length": bytes.length, connection: "close", ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return Buffer.concat([Buffer.from(`HTTP/1.1 ${status} Status\r\n${lines}\r\n`), bytes]);
}

/** The head of an answer whose body comes in chunks. */
export function chunkedHead(status = 200): string {
  return `HTTP/1.1 ${status} Status\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n`;
}

/** A chunk. */
export function chunk(text: string): string {
  return `${text.length.toString(16)}\r\n${text}\r\n`;
}

/** The request, once all of it is there. */
function requestIn(received: Buffer): Asked | undefined {
  const text = received.toString("latin1");
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const [line = "", ...lines] = text.slice(0, end).split("\r\n");
  const headers = Object.fromEntries(lines.map((each) => {
    const [name = "", ...value] = each.split(": ");
    return [name.toLowerCase(), value.join(": ")];
  }));
  const body = text.slice(end + 4);
  if (body.length < Number(headers["content-length"] ?? 0)) return undefined;
  const [method = "", path = ""] = line.split(" ");
  return { method, path, headers, body };
}
