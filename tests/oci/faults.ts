/** What goes wrong with the test registry. */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Parts of the registry that can fail; `index` are manifests at the tag of a list of referrers, `storage` is the other
 * origin that blobs are redirected to.
 */
export type Part = "manifests" | "index" | "blobs" | "uploads" | "referrers" | "token" | "storage";

/**
 * - `status`: an answer with `status`, `headers` and `body`
 * - `hang`: no answer; `stall`: an answer whose body stops after its first byte; `drip`: a byte each 50 ms
 * - `close`: the connection ends without an answer; `truncated`: after half of the body
 * - `altered`: the last byte is another one; `longer`: a byte more; `endless`: a body without end
 * - `wrong-header`: another `Docker-Content-Digest`
 */
export type Fault = {
  readonly part: Part;
  readonly kind:
    | "status"
    | "hang"
    | "stall"
    | "drip"
    | "close"
    | "truncated"
    | "altered"
    | "longer"
    | "endless"
    | "wrong-header";
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Only requests with this method. */
  readonly method?: string;
  /** Requests that it hits. Default: all until the reset. */
  readonly count?: number;
};

/** An answer as it should be. */
export type Reply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
};

const WRONG_DIGEST = `sha256:${"0".repeat(64)}`;

/** Answers, with or without a fault. */
export async function send(
  response: ServerResponse,
  { status, headers, body }: Reply,
  fault: Fault | undefined,
  withBody: boolean,
): Promise<void> {
  const length = { "content-length": String(body.length) };
  const half = body.subarray(0, Math.ceil(body.length / 2));
  switch (fault?.kind) {
    case "status":
      response.writeHead(fault.status ?? 500, fault.headers ?? {});
      response.end(withBody ? fault.body : undefined);
      return;
    case "hang":
      return;
    case "close":
      response.destroy();
      return;
    case "stall":
      response.writeHead(status, { ...headers, ...length });
      response.write(body.subarray(0, 1));
      return;
    case "drip":
      response.writeHead(status, { ...headers, ...length });
      for (let at = 0; at < body.length && !response.destroyed; at++) {
        response.write(body.subarray(at, at + 1));
        await sleep(50);
      }
      response.end();
      return;
    case "truncated":
      response.writeHead(status, { ...headers, ...length });
      response.write(half, () => response.destroy());
      return;
    case "endless":
      response.writeHead(status, headers);
      await writeForever(response);
      return;
    case "wrong-header":
      response.writeHead(status, { ...headers, "docker-content-digest": WRONG_DIGEST, ...length });
      response.end(withBody ? body : undefined);
      return;
    case "altered":
    case "longer": {
      const changed = Buffer.from(fault.kind === "longer" ? [...body, 0x20] : body);
      if (fault.kind === "altered") changed[changed.length - 1]! ^= 1;
      response.writeHead(status, { ...headers, "content-length": String(changed.length) });
      response.end(withBody ? changed : undefined);
      return;
    }
    default:
      response.writeHead(status, { ...headers, ...length });
      response.end(withBody ? body : undefined);
  }
}

async function writeForever(response: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, " ");
  while (!response.destroyed) {
    if (response.write(chunk)) continue;
    const { promise, resolve } = Promise.withResolvers<void>();
    response.once("drain", resolve).once("close", resolve);
    await promise;
    response.off("drain", resolve).off("close", resolve);
  }
}
