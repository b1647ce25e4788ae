/** Tells an observer how far a pull is. */

import type { Observer } from "../../core/observer.ts";
import type { NamedBlob } from "./naming.ts";

/** Shortest time between two progress events, in ms (`ObserverEvent`). */
const INTERVAL_MS = 100;

/** Counts files and bytes of layers that are written, and sends events until it is disposed of. */
export class PullProgress implements Disposable {
  readonly #filesFound: number;
  readonly #bytesFound: number;
  readonly #observer: Observer | undefined;
  readonly #timer: ReturnType<typeof setInterval> | undefined;
  #filesDone = 0;
  #bytesDone = 0;
  #current = "";

  constructor(layers: readonly NamedBlob[], observer: Observer | undefined) {
    this.#filesFound = layers.length;
    this.#bytesFound = layers.reduce((sum, { descriptor }) => sum + descriptor.size, 0);
    this.#observer = observer;
    if (observer) this.#timer = setInterval(() => this.#emit(), INTERVAL_MS);
  }

  /** A file was begun. */
  begin(name: string): void {
    this.#current = name;
  }

  /** Bytes were written. */
  add(bytes: number): void {
    this.#bytesDone += bytes;
  }

  /** A file is complete. */
  end(): void {
    this.#filesDone++;
  }

  /** Sends the last event. */
  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#emit();
  }

  #emit(): void {
    this.#observer?.emit({
      kind: "progress",
      progress: {
        filesDone: this.#filesDone,
        filesFound: this.#filesFound,
        bytesDone: this.#bytesDone,
        bytesFound: this.#bytesFound,
        totalsFinal: true,
        current: this.#current,
      },
    });
  }
}
