/** What every operation takes besides its arguments. */

import type { Logger } from "./logger.ts";
import type { Observer, Span } from "./observer.ts";
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
  /** Asks for one line of text, with echo. Throws like {@link askSecret}. */
  ask(prompt: string, signal?: AbortSignal): Promise<string>;
  /** Asks a question whose answer is yes or no; "no" is what an empty line means. Throws like {@link askSecret}. */
  confirm(question: string, signal?: AbortSignal): Promise<boolean>;
  /** Shows the person a text that is not a result: lines, without a newline at the end. */
  tell(text: string): void;
  /** Opens an address in the person's browser. Gives false when that is not possible here. */
  openBrowser(url: string): Promise<boolean>;
}

/** Options that every operation passes through. */
export type RunOptions = {
  /** Ends the operation at once with `ABORTED`. */
  readonly signal?: AbortSignal;
  /**
   * Longest wait for one network or interactive step, in ms; never for hashing, nor for the writer of a pipe that the
   * user named. Without it each step that can hang has a limit of its own.
   */
  readonly timeout?: number;
  /** Receives spans and progress. */
  readonly observer?: Observer;
  /** The step that this operation is a part of. Its own spans lie inside, and it hands them on to what it calls. */
  readonly span?: Span;
  /** Receives log lines. */
  readonly logger?: Logger;
  /** Answers prompts. Without it an operation that has to ask fails. */
  readonly interaction?: Interaction;
};
