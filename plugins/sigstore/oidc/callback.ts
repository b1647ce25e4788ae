/** Where the browser brings the authorization code: a listener on loopback (RFC 8252 7.3). */

import { timingSafeEqual } from "node:crypto";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { ModelSigningError, systemCode, systemReason } from "../../../core/errors.ts";
import { Secret } from "../../../core/secret.ts";
import { callbackPage, PAGE_HEADERS } from "./callback_page.ts";

/** What the provider sent back through the browser. */
export type CallbackAnswer =
  | { readonly code: Secret }
  /** RFC 6749 4.1.2.1; both texts are the provider's. */
  | { readonly error: string; readonly description: string | undefined };

/** A listener that waits for one answer. */
export type Callback = AsyncDisposable & {
  readonly redirectUri: string;
  /** Never rejects. */
  readonly answer: Promise<CallbackAnswer>;
};

const PATH = "/auth/callback";

/** How often another port is tried, when the first is taken on the other of the two addresses. */
const MAX_ATTEMPTS = 5;

/**
 * Listens on 127.0.0.1, and on ::1 where there is one, for the answer that carries `state`. Every other request is
 * refused with 400 and changes nothing.
 *
 * @param issuer what an answer's `iss` must be, if it has one (RFC 9207 2.4)
 * @throws {ModelSigningError} `INTERACTION_UNAVAILABLE` when no port can be had
 */
export async function listenForCallback(state: string, issuer: string): Promise<Callback> {
  const { promise: answer, resolve } = Promise.withResolvers<CallbackAnswer>();
  let answered = false;
  const { servers, port } = await listen((request, response) => {
    const found = answered ? undefined : answerIn(request.method, request.url, state, issuer);
    response.writeHead(found ? 200 : 400, PAGE_HEADERS);
    if (found) {
      answered = true;
      // Only once the page is out: the listener ends with the answer.
      response.once("finish", () => resolve(found));
      response.once("close", () => resolve(found));
    }
    response.end(callbackPage(found && ("code" in found ? "signed in" : "refused")));
  });
  return {
    // RFC 8252 would have an address, but "localhost" is what Sigstore's providers have registered.
    redirectUri: `http://localhost:${port}${PATH}`,
    answer,
    [Symbol.asyncDispose]: async () => void (await Promise.all(servers.map(close))),
  };
}

/** The answer in a request, or undefined when it is not the one that is waited for. */
function answerIn(
  method: string | undefined,
  target: string | undefined,
  state: string,
  issuer: string,
): CallbackAnswer | undefined {
  const base = "http://localhost";
  if (method !== "GET" || target === undefined || !URL.canParse(target, base)) return undefined;
  const { pathname, searchParams } = new URL(target, base);
  if (pathname !== PATH) return undefined;
  // RFC 6749 3.1: no parameter may stand there twice.
  const only = (name: string) => {
    const values = searchParams.getAll(name);
    return values.length === 1 ? values[0] : undefined;
  };
  if (!equal(only("state") ?? "", state)) return undefined;
  if (searchParams.has("iss") && only("iss") !== issuer) return undefined;
  const error = only("error");
  if (error) return { error, description: only("error_description") };
  const code = only("code");
  return code ? { code: new Secret(code) } : undefined;
}

function equal(a: string, b: string): boolean {
  const [left, right] = [a, b].map((text) => new TextEncoder().encode(text));
  return left!.length === right!.length && timingSafeEqual(left!, right!);
}

/** Servers on one port of both loopback addresses: a browser may take "localhost" for either. */
async function listen(
  listener: RequestListener,
): Promise<{ readonly servers: readonly Server[]; readonly port: number }> {
  let reason: unknown;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const four = createServer(listener);
    try {
      const port = await bind(four, 0, "127.0.0.1");
      const six = createServer(listener);
      try {
        await bind(six, port, "::1");
        return { servers: [four, six], port };
      } catch (error) {
        // Without IPv6 nobody else can listen there either.
        if (systemCode(error) !== "EADDRINUSE") return { servers: [four], port };
        // Another program would get the code.
        reason = error;
        await close(four);
      }
    } catch (error) {
      reason = error;
    }
  }
  throw new ModelSigningError(
    "INTERACTION_UNAVAILABLE",
    `cannot listen on loopback for the browser's answer: ${systemReason(reason)}`,
    { cause: reason },
  );
}

function bind(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** Also ends the connections that browsers open in advance and leave idle. */
function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
