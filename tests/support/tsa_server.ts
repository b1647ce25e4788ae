/** A timestamp authority over HTTP on loopback, which answers whatever it is told to. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The server. Dispose of it: `await using tsa = await TsaServer.start(…)`. */
export class TsaServer implements AsyncDisposable {
  readonly url: URL;
  /** What it was asked, in order. */
  readonly queries: Uint8Array[] = [];
  readonly headers: IncomingMessage["headers"][] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`);
  }

  /** Starts one that answers each query with what `answer` gives, or as `answer` does by itself. */
  static async start(
    answer: (query: Uint8Array, response: ServerResponse) => Uint8Array | string | undefined,
  ): Promise<TsaServer> {
    const server = createServer(async (asked, response) => {
      const chunks: Uint8Array[] = [];
      for await (const chunk of asked) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      authority.queries.push(body);
      authority.headers.push(asked.headers);
      const content = answer(body, response);
      if (content === undefined) return;
      response.setHeader("content-type", "application/timestamp-reply");
      response.end(content);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const authority = new TsaServer(server);
    return authority;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
