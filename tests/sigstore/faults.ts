/** Faults that tests put into the services. */

import { Buffer } from "node:buffer";
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { JsonObject } from "../../core/json.ts";
import { refused, type Reply } from "./http.ts";

/** Services that can fail. */
export type ServiceName = "fulcio" | "rekor" | "rekor2" | "tsa" | "oidc" | "tuf";

/**
 * What goes wrong. These are the faults of any service; every other kind is a lie that one service knows:
 *
 * - `fulcio`: `no-sct`, `bad-sct`, `wrong-key`, `other-identity`, `other-authority`, `expired`
 * - `rekor`: `wrong-body`, `wrong-index`, `wrong-time`, `bad-set`, `bad-proof`, `bad-checkpoint`, `other-log`
 * - `rekor2`: `wrong-body`, `wrong-index`, `bad-proof`, `bad-checkpoint`, `other-log`
 * - `tsa`: `wrong-imprint`, `wrong-nonce`, `rejected`, `bad-signature`
 * - `oidc`: `denied`, `wrong-state`, `wrong-nonce`, `wrong-audience`, `expired`, `other-issuer`
 */
export type FaultKind = "status" | "garbage" | "huge" | "slow" | "late" | "hang" | "close";

const LIES: Readonly<Record<ServiceName, readonly string[]>> = {
  fulcio: ["no-sct", "bad-sct", "wrong-key", "other-identity", "other-authority", "expired"],
  rekor: [
    ...["wrong-body", "wrong-index", "wrong-time", "bad-set", "bad-proof", "bad-checkpoint"],
    "other-log",
  ],
  rekor2: ["wrong-body", "wrong-index", "bad-proof", "bad-checkpoint", "other-log"],
  tsa: ["wrong-imprint", "wrong-nonce", "rejected", "bad-signature"],
  oidc: ["denied", "wrong-state", "wrong-nonce", "wrong-audience", "expired", "other-issuer"],
  tuf: [],
};

const KINDS: readonly string[] = ["status", "garbage", "huge", "slow", "late", "hang", "close"];

/** A fault that is on. */
export type Fault = {
  readonly kind: string;
  /** For `status`. Default 500. */
  readonly status: number;
  /** For `status` and `garbage`. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** For `late`: ms after which the right answer is given. */
  readonly delay: number;
  /** Requests that it still hits. */
  left: number;
};

/** The faults that are on, at most one for each service. */
export class Faults {
  readonly #faults = new Map<ServiceName, Fault>();

  /** Turns all off. */
  reset(): void {
    this.#faults.clear();
  }

  /** Turns one on: `{service, kind, status?, body?, headers?, delay?, count?}`. Throws Refused. */
  set(asked: JsonObject): void {
    const { service, kind, status, body, headers, delay, count } = asked;
    const name = service as ServiceName;
    if (typeof service !== "string" || !Object.hasOwn(LIES, service)) {
      throw refused(400, "there is no such service");
    }
    if (typeof kind !== "string" || ![...KINDS, ...LIES[name]].includes(kind)) {
      throw refused(400, "the service has no such fault");
    }
    this.#faults.set(name, {
      kind,
      status: typeof status === "number" ? status : 500,
      body: typeof body === "string" ? body : "<html>not what you expected</html>",
      headers: (headers ?? {}) as Record<string, string>,
      delay: typeof delay === "number" ? delay : 0,
      left: typeof count === "number" ? count : Infinity,
    });
  }

  /** The fault that hits the next request to a service. */
  take(service: ServiceName): Fault | undefined {
    const fault = this.#faults.get(service);
    if (!fault || fault.left === 0) return undefined;
    fault.left--;
    return fault;
  }
}

/** What a service is told of a fault: the lie, unless it is one of the line. */
export function lieOf(fault: Fault | undefined): string | undefined {
  return fault && !KINDS.includes(fault.kind) ? fault.kind : undefined;
}

/** Bytes of a `huge` answer: more than any client should read. */
const HUGE_BYTES = 256 * 1024 * 1024;

/** Pause between the bytes of a `slow` answer. */
const SLOW_PAUSE_MS = 100;

/**
 * Answers with a fault of the line. Gives false when it leaves the answer to the service.
 *
 * @param reply makes the right answer
 */
export async function fail(
  fault: Fault | undefined,
  response: ServerResponse,
  reply: () => Promise<Reply>,
): Promise<boolean> {
  switch (fault?.kind) {
    case "status":
      response.writeHead(fault.status, fault.headers);
      response.end(fault.body);
      return true;
    case "garbage":
      response.writeHead(200, { "content-type": "application/json", ...fault.headers });
      response.end(fault.body);
      return true;
    case "close":
      response.destroy();
      return true;
    case "hang":
      return true;
    case "huge":
      response.writeHead(200, { "content-type": "application/json" });
      await writeHuge(response);
      return true;
    case "slow":
      await writeSlowly(response, await reply());
      return true;
    case "late":
      await sleep(fault.delay);
      return false;
    default:
      return false;
  }
}

async function writeHuge(response: ServerResponse): Promise<void> {
  const chunk = Buffer.alloc(64 * 1024, " ");
  for (let sent = 0; sent < HUGE_BYTES && !response.destroyed; sent += chunk.length) {
    if (!response.write(chunk)) await drained(response);
  }
  response.end();
}

async function drained(response: ServerResponse): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  response.once("drain", resolve).once("close", resolve);
  await promise;
  response.off("drain", resolve).off("close", resolve);
}

async function writeSlowly(response: ServerResponse, reply: Reply): Promise<void> {
  response.writeHead(reply.status, reply.headers);
  for (const byte of Buffer.from(reply.body as string)) {
    if (response.destroyed) return;
    response.write(Buffer.of(byte));
    await sleep(SLOW_PAUSE_MS);
  }
  response.end();
}
