/** Work in the calling thread gives way to other work now and then. */

import { setImmediate } from "node:timers/promises";

/** Longest time that work keeps the event loop waiting, in ms. */
const TURN_MS = 10;

/** The turns of one piece of work; the first begins at once. */
export class Turns {
  #began = performance.now();

  /** Whether it is time to give way. */
  get isOver(): boolean {
    return performance.now() - this.#began > TURN_MS;
  }

  /** Gives way; resolves in the next turn. */
  async next(): Promise<void> {
    await setImmediate();
    this.#began = performance.now();
  }
}
