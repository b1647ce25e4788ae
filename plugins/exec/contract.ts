/** What every program that is a plugin must do besides its work, as cases that need no test framework. */

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ContractCase } from "../../core/contract/case.ts";
import { ModelSigningError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Logger } from "../../core/logger.ts";
import { CONTRACT_VERSION } from "../../core/plugin.ts";
import { quote } from "../../core/text.ts";
import { PluginChild } from "./child.ts";
import { frameBytes } from "./frames.ts";
import { PROTOCOL_VERSION } from "./hello.ts";
import { GRACE_MS, HELLO_MS, MAX_FRAME_BYTES } from "./limits.ts";

/** Wait for the answer to what takes no work, in ms. */
const ANSWER_MS = 3000;

/** What the suite needs. */
export type ProtocolContractSubject = {
  /** Absolute. */
  readonly path: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly logger?: Logger;
};

/** The suite. Every case starts the program anew. */
export function protocolContract(subject: ProtocolContractSubject): readonly ContractCase[] {
  const cases:
    readonly (readonly [name: string, check: (plugin: Conversation) => Promise<void>])[] = [
      ["the program says nothing before it is asked", saysNothingUnasked],
      ["the program answers hello with its own", answersHello],
      ["the program answers a hello of later versions with its own version, or ends", answersLater],
      ["the program answers an unknown frame with an error that has its id", answersUnknown],
      ["the program reads a frame of the largest size", readsLargest],
      ["the program reads a frame that comes in pieces", readsPieces],
      ["the program takes a cancel for a request that it does not have", takesStrayCancel],
      ["the program ends when its input is closed", endsWithInput],
    ];
  return cases.map(([name, check]) => ({
    name,
    run: async () => {
      const plugin = await Conversation.begin(subject);
      try {
        await check(plugin);
      } finally {
        await plugin.end();
      }
    },
  }));
}

const HELLO = {
  type: "hello",
  protocol: PROTOCOL_VERSION,
  contract: CONTRACT_VERSION,
  program: "model-signing",
  version: "0.0.0",
};

async function saysNothingUnasked(plugin: Conversation): Promise<void> {
  await sleep(500);
  assert.equal(plugin.waiting, 0, "it has written a frame");
  await answersHello(plugin);
}

async function answersHello(plugin: Conversation): Promise<void> {
  plugin.send(HELLO);
  const answer = await plugin.next();
  assert.equal(answer["type"], "hello");
  assert.equal(answer["protocol"], PROTOCOL_VERSION);
  assert.equal(answer["contract"], CONTRACT_VERSION);
}

async function answersLater(plugin: Conversation): Promise<void> {
  plugin.send({ ...HELLO, protocol: 999, contract: 999, more: ["than", "was", "known"] });
  const answer = await plugin.next().catch((error: unknown) => {
    if (error instanceof ModelSigningError && error.code === "PLUGIN_CRASHED") return undefined;
    throw error;
  });
  if (answer?.["type"] === "hello") assert.notEqual(answer["protocol"], 999);
}

async function answersUnknown(plugin: Conversation): Promise<void> {
  await answersHello(plugin);
  plugin.send({ type: "weather", id: 41, text: "sunny" });
  const answer = await plugin.next();
  assert.equal(answer["type"], "error");
  assert.equal(answer["id"], 41);
  assert.match(String(answer["code"]), /^PLUGIN_[A-Z0-9_]+$/);
}

async function readsLargest(plugin: Conversation): Promise<void> {
  await answersHello(plugin);
  const frame = { type: "weather", id: 42, text: "" };
  const room = MAX_FRAME_BYTES - frameBytes(frame)!.length;
  plugin.send({ ...frame, text: "x".repeat(room) });
  assert.equal((await plugin.next())["id"], 42);
}

async function readsPieces(plugin: Conversation): Promise<void> {
  await answersHello(plugin);
  const bytes = frameBytes({ type: "weather", id: 43, text: "regnerisch, kühl" })!;
  const half = bytes.length >> 1;
  plugin.write(bytes.subarray(0, half));
  await sleep(100);
  plugin.write(bytes.subarray(half));
  assert.equal((await plugin.next())["id"], 43);
}

async function takesStrayCancel(plugin: Conversation): Promise<void> {
  await answersHello(plugin);
  plugin.send({ type: "cancel", id: 7 });
  plugin.send({ type: "weather", id: 44, text: "fair" });
  // It may say that there is no such request.
  for (;;) if ((await plugin.next())["id"] === 44) return;
}

async function endsWithInput(plugin: Conversation): Promise<void> {
  await answersHello(plugin);
  const started = performance.now();
  await plugin.end();
  assert.ok(performance.now() - started < GRACE_MS, "it had to be killed");
}

/** A running program, frame by frame. */
class Conversation {
  readonly #child: PluginChild;
  readonly #frames: JsonObject[] = [];
  #wake: () => void = () => {};
  #ended: ModelSigningError | undefined;
  #heard = false;

  static async begin(
    { path, environment, logger }: ProtocolContractSubject,
  ): Promise<Conversation> {
    const who = `plugin ${quote(path)}`;
    return new Conversation(
      await PluginChild.start(path, { who, environment, declared: [], logger }),
    );
  }

  private constructor(child: PluginChild) {
    this.#child = child;
    child.listen({ frame: (frame) => this.#take(frame), end: (reason) => this.#take(reason) });
  }

  /** Frames that nobody has looked at. */
  get waiting(): number {
    return this.#frames.length;
  }

  send(frame: Readonly<Record<string, unknown>>): void {
    const bytes = frameBytes(frame);
    assert.ok(bytes);
    this.#child.send(bytes);
  }

  write(bytes: Uint8Array): void {
    this.#child.send(bytes);
  }

  /** The next frame, for which the first one is waited longer; throws the reason when there will be none. */
  async next(): Promise<JsonObject> {
    const limit = this.#heard ? ANSWER_MS : HELLO_MS;
    const deadline = performance.now() + limit;
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) {
        this.#heard = true;
        return frame;
      }
      if (this.#ended) throw this.#ended;
      const left = deadline - performance.now();
      assert.ok(left > 0, `there was no answer within ${limit / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async end(): Promise<void> {
    await this.#child.close();
  }

  #take(news: JsonObject | ModelSigningError): void {
    if (news instanceof ModelSigningError) this.#ended = news;
    else this.#frames.push(news);
    this.#wake();
  }
}
