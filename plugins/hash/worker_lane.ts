/** Hashing in a worker. */

import { Worker } from "node:worker_threads";
import { aborted, ModelSigningError } from "../../core/errors.ts";
import type { Lane, LaneReports, LaneSettings, LaneStream } from "./lane.ts";
import type { LaneMessage, WorkerAnswer } from "./messages.ts";
import { Ring } from "./ring.ts";
import type { FileUnit, Outcome, StreamUnit } from "./unit.ts";

/** How long a worker may take to close its file, in ms: one that writes to a dead network share never will. */
const CLOSING_MS = 1000;

type Answer<K extends WorkerAnswer["kind"]> = Extract<WorkerAnswer, { kind: K }>;

/** Hashes in a worker of its own. */
export class WorkerLane implements Lane {
  readonly #worker: Worker;
  readonly #reports: LaneReports;
  #ring: Ring | undefined;
  /** For answers, which come in the order of what they answer. */
  readonly #waiting: PromiseWithResolvers<WorkerAnswer>[] = [];
  #failure: ModelSigningError | undefined;
  #hasStream = false;

  constructor(url: URL | string, settings: LaneSettings, reports: LaneReports) {
    this.#reports = reports;
    try {
      this.#worker = new Worker(url, { workerData: settings });
    } catch (cause) {
      throw crashed("cannot start a hashing worker", cause);
    }
    this.#worker.on("message", (answer: WorkerAnswer) => this.#answer(answer));
    this.#worker.on("error", (cause) => this.#fail(crashed("a hashing worker failed", cause)));
    this.#worker.on("exit", () => this.#fail(crashed("a hashing worker ended unexpectedly")));
  }

  async run(units: readonly FileUnit[]): Promise<readonly Outcome[]> {
    const { outcomes } = await this.#ask<"outcomes">({ kind: "units", units });
    return outcomes;
  }

  begin(unit: StreamUnit): Promise<LaneStream> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const ring = this.#ring ??= new Ring((piece) => this.#post({ kind: "piece", piece }));
    this.#post({ kind: "begin", unit, memory: ring.shared });
    this.#hasStream = true;
    return Promise.resolve({
      take: (bytes) => ring.add(bytes),
      end: async () => {
        ring.flush();
        const { digest } = await this.#ask<"ended">({ kind: "end" });
        this.#hasStream = false;
        return digest;
      },
      discard: () => this.#discard(),
    });
  }

  async close(): Promise<void> {
    let isBusy = this.#waiting.length > 0;
    const discarded = this.#hasStream ? this.#ask({ kind: "discard" }) : undefined;
    // From here on nothing is taken, and nothing is asked.
    this.#failure ??= aborted();
    this.#ring?.close(this.#failure);
    if (discarded) isBusy = !await isSettled(discarded, CLOSING_MS);
    const ended = this.#worker.terminate();
    // One that hangs, such as in a read from a dead network share, is not waited for.
    if (!isBusy) await ended;
  }

  async #discard(): Promise<void> {
    this.#ring?.rewind();
    await this.#ask<"discarded">({ kind: "discard" });
    this.#hasStream = false;
  }

  /** @typeParam K of the answer that comes to this message */
  #ask<K extends WorkerAnswer["kind"]>(message: LaneMessage): Promise<Answer<K>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    const waiting = Promise.withResolvers<WorkerAnswer>();
    this.#waiting.push(waiting);
    this.#post(message);
    return waiting.promise as Promise<Answer<K>>;
  }

  #post(message: LaneMessage): void {
    this.#worker.postMessage(message);
  }

  #answer(answer: WorkerAnswer): void {
    switch (answer.kind) {
      case "fallback":
        return this.#reports.onFallback(answer.reason);
      case "taken":
        return this.#ring?.giveBack(answer.at);
      case "failed":
        return this.#fail(new ModelSigningError(answer.code, answer.message));
      default:
        this.#waiting.shift()?.resolve(answer);
    }
  }

  #fail(failure: ModelSigningError): void {
    this.#failure ??= failure;
    this.#ring?.close(this.#failure);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    this.#reports.onFailure(this.#failure);
  }
}

/** Whether a promise is fulfilled or rejected before the time is over. */
async function isSettled(promise: Promise<unknown>, time: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => timer = setTimeout(() => resolve(false), time));
  try {
    return await Promise.race([promise.then(() => true, () => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

function crashed(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("HASH_WORKER_FAILED", message, { cause });
}
