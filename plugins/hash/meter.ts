/** Counts what was found and done, and tells an observer. */

import type { Observer } from "../../core/observer.ts";
import type { Tally } from "./tally.ts";

/** Shortest time between two progress events, in ms (`ObserverEvent`). */
const INTERVAL_MS = 100;

/** Progress of one run. */
export class Meter {
  filesFound = 0;
  filesDone = 0;
  bytesFound = 0;
  totalsFinal = false;
  /** The path most recently begun. */
  current: string | undefined;
  readonly #tally: Tally;
  readonly #observer: Observer | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(tally: Tally, observer: Observer | undefined) {
    this.#tally = tally;
    this.#observer = observer;
  }

  /** Begins to send events, at intervals. */
  start(): void {
    if (this.#observer) this.#timer = setInterval(() => this.#emit(), INTERVAL_MS);
  }

  /** Sends the last event. */
  end(): void {
    clearInterval(this.#timer);
    this.#emit();
  }

  #emit(): void {
    this.#observer?.emit({
      kind: "progress",
      progress: {
        filesDone: this.filesDone,
        filesFound: this.filesFound,
        bytesDone: this.#tally.bytes,
        bytesFound: this.bytesFound,
        totalsFinal: this.totalsFinal,
        ...(this.current === undefined ? {} : { current: this.current }),
      },
    });
  }
}
