/** The trace of one run: the span around all of it, and whoever wants to know. */

import {
  beginSpan,
  combineObservers,
  type Logger,
  type Observer,
  type ObserverEvent,
  type Span,
} from "../core/mod.ts";
import type { ExitStatus } from "./command.ts";

/** Takes spans elsewhere. */
export type TraceExport = {
  readonly observer: Observer;
  /** Sends what is left. Never fails, and takes a second at most. */
  flush(): Promise<void>;
};

/** Opens the export that the environment asks for; undefined when it asks for none. Never fails. */
export type OpenTraceExport = (
  environment: Readonly<Record<string, string | undefined>>,
  logger: Logger,
) => Promise<TraceExport | undefined>;

/** Keeps events until it is known who wants them: that is in the arguments, and plugins are loaded before these. */
export class RunTrace implements Observer {
  readonly #root: ReturnType<typeof beginSpan>;
  #held: ObserverEvent[] = [];
  #target: Observer | undefined;
  #export: TraceExport | undefined;

  /** Begins the span of the run. */
  constructor(version: string) {
    this.#root = beginSpan({ observer: this }, "run", { attributes: { version } });
  }

  /** The run itself. */
  get span(): Span {
    return this.#root.span;
  }

  /** Whether it is known who wants the events. */
  get isOpen(): boolean {
    return this.#target !== undefined;
  }

  /** Keeps an event, or passes it on. */
  emit(event: ObserverEvent): void {
    if (this.#target) this.#target.emit(event);
    else this.#held.push(event);
  }

  /** Hands everything to those who want it, and from now on each event as it comes. */
  openTo(observers: readonly Observer[], exported: TraceExport | undefined): void {
    this.#export = exported;
    this.#target = combineObservers(...observers, ...(exported ? [exported.observer] : []));
    for (const event of this.#held) this.#target.emit(event);
    this.#held = [];
  }

  /** Ends the run and sends its trace. */
  async end(status: ExitStatus, error?: unknown): Promise<ExitStatus> {
    this.span.set({ "process.exit.code": status });
    this.#root.end(error);
    await this.#export?.flush();
    return status;
  }
}
