/** The time that a plugin takes, without the time that a person takes to answer it. */

import { clearInterval, setInterval } from "node:timers";
import type { Interaction } from "../../core/options.ts";

/** How often a limit is looked at, in ms: people set limits in seconds. */
const LOOK_MS = 100;

/** Runs from the beginning. */
export class Stopwatch {
  readonly #limit: number;
  #spent = 0;
  #since = performance.now();
  #pending = 0;

  /** Takes the limit in ms. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** What is left, in ms. */
  get left(): number {
    return this.#limit - this.#spent - (this.#pending > 0 ? 0 : performance.now() - this.#since);
  }

  /**
   * Tells once when the limit has been reached, unless it is disposed of before. Looks from time to time, since the limit
   * can be infinite and moves with every question. The timer also keeps the process alive: a runtime with nothing left to
   * wait for would end it, as if all were well.
   */
  watch(onOver: () => void): Disposable {
    const timer = setInterval(() => {
      if (this.left > 0) return;
      clearInterval(timer);
      onOver();
    }, LOOK_MS);
    return { [Symbol.dispose]: () => clearInterval(timer) };
  }

  /** The same person; while a question is open, the time stands still. Each question has a limit of its own. */
  pausedBy(interaction: Interaction): Interaction {
    return {
      askSecret: (prompt, signal) => this.during(() => interaction.askSecret(prompt, signal)),
      ask: (prompt, signal) => this.during(() => interaction.ask(prompt, signal)),
      confirm: (question, signal) => this.during(() => interaction.confirm(question, signal)),
      tell: (text) => interaction.tell(text),
      openBrowser: (url) => interaction.openBrowser(url),
    };
  }

  /** Runs a step that is not counted. */
  async during<T>(step: () => Promise<T>): Promise<T> {
    if (this.#pending++ === 0) this.#spent += performance.now() - this.#since;
    try {
      return await step();
    } finally {
      if (--this.#pending === 0) this.#since = performance.now();
    }
  }
}
