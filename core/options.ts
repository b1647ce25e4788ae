/** What every operation takes besides its arguments. */

import type { Logger } from "./logger.ts";
import type { Observer } from "./observer.ts";
import type { Secret } from "./secret.ts";

/** Asks the person at the terminal, when there is one. */
export interface Interaction {
  /**
   * Asks for a secret, without echo.
   *
   * @throws {ModelSigningError} `INTERACTION_UNAVAILABLE` when nobody can be asked, `ABORTED` when the
   * person gave up
   */
  askSecret(prompt: string, signal?: AbortSignal): Promise<Secret>;
}

/** Options that every operation passes through. */
export type RunOptions = {
  /** Ends the operation at once with `ABORTED`. */
  readonly signal?: AbortSignal;
  /** Receives spans and progress. */
  readonly observer?: Observer;
  /** Receives log lines. */
  readonly logger?: Logger;
  /** Answers prompts. Without it an operation that has to ask fails. */
  readonly interaction?: Interaction;
};
