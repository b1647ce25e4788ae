/** Wakes one waiter. */

/** A waiter checks its condition, then waits for the next ring, with no `await` between. */
export class Bell {
  #waiting: PromiseWithResolvers<void> | undefined;

  /** Resolves at the next ring. */
  wait(): Promise<void> {
    this.#waiting ??= Promise.withResolvers();
    return this.#waiting.promise;
  }

  /** Wakes who waits; without a waiter it does nothing. */
  ring(): void {
    this.#waiting?.resolve();
    this.#waiting = undefined;
  }
}
