/** The border between the program and code of others: every call goes out, and every answer comes in, through here. */

import { setInterval } from "node:timers";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { ShapeError } from "./shape.ts";
import { Stopwatch } from "./stopwatch.ts";

/**
 * Steps of a plugin's call that may each take as long as `--timeout` says: open a session, log in, sign, fetch a
 * certificate, log out.
 */
const STEPS = 5;

/** Limit of one step when the run sets none, in ms. */
const STEP_MS = 60_000;

/** What is called. */
export type Call<T> = {
  /** Who is called, for messages: `plugin "vault"`. */
  readonly who: string;
  /** What is asked of it, for messages: `sign()`. */
  readonly what: string;
  readonly options: RunOptions;
  /** For what may take hours: copying a model, a command that serves. */
  readonly unlimited?: true;
  /** Calls the plugin with the options that it is to get. */
  run(options: RunOptions): unknown;
  /** Reads the answer. Throws {@link ShapeError}. */
  read(value: unknown): T;
};

/**
 * Calls a plugin. Whatever it does, the outcome is a value of the right shape or an error that names the plugin. Code
 * in the same process cannot be stopped, but nobody waits for it longer than the signal and the limit say.
 *
 * @throws {ModelSigningError} what the plugin threw, if it is one; `ABORTED`; `PLUGIN_FAILED` for other errors,
 * `PLUGIN_RESULT` for a wrong answer, `PLUGIN_TIMEOUT`
 */
export async function across<T>(call: Call<T>): Promise<T> {
  const { who, what, options: { signal, timeout, interaction, ...rest } } = call;
  throwIfAborted(signal);
  const limit = call.unlimited ? Infinity : (timeout ?? STEP_MS) * STEPS;
  const stopwatch = new Stopwatch(limit);
  const options: RunOptions = {
    ...rest,
    ...(signal ? { signal } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(interaction ? { interaction: stopwatch.pausedBy(interaction) } : {}),
  };
  const { promise: ended, reject } = Promise.withResolvers<never>();
  // Without a timer, a runtime with nothing left to wait for would end the process, as if all were well.
  const timer = setInterval(() => {
    if (stopwatch.isOver) {
      reject(
        new ModelSigningError(
          "PLUGIN_TIMEOUT",
          `${who} did not end ${what} within ${limit / 1000} s`,
          { hint: "--timeout sets the limit of a step; a plugin may take five" },
        ),
      );
    }
  }, 250);
  const abort = () => {
    reject(new ModelSigningError("ABORTED", "aborted", { cause: signal?.reason }));
  };
  signal?.addEventListener("abort", abort, { once: true });
  try {
    // A function of its own, so that throwing is as good as rejecting.
    const answer = await Promise.race([(async () => await call.run(options))(), ended]);
    throwIfAborted(signal);
    return reading(who, what, () => call.read(answer));
  } catch (error) {
    throw asFault(who, what, error);
  } finally {
    clearInterval(timer);
    signal?.removeEventListener("abort", abort);
  }
}

/** Reads an answer; what is wrong with it, also a getter that throws, is the plugin's fault. */
export function reading<T>(who: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new ModelSigningError(
      "PLUGIN_RESULT",
      `${who} gave a wrong answer: ${
        error instanceof ShapeError ? error.message : `${what} gave what cannot be read`
      }`,
      {
        cause: error,
        hint: "this is a fault of the plugin: model-signing plugin check tells more",
      },
    );
  }
}

/** The error of a plugin as one of the program's. */
export function asFault(who: string, what: string, error: unknown): ModelSigningError {
  if (error instanceof ModelSigningError && isWellFormed(error)) {
    return error.code === "ABORTED" || error.message.includes(who) ? error : named(who, error);
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new ModelSigningError("PLUGIN_FAILED", `${who} failed in ${what}: ${excerpt(message)}`, {
    cause: error,
    hint: "this is a fault of the plugin; --log-level debug shows where",
  });
}

/** The same, so that its message says whose it is. */
function named(who: string, error: ModelSigningError): ModelSigningError {
  const { code, message, hint, issues } = error;
  return new ModelSigningError(code, `${who}: ${message}`, {
    cause: error,
    issues,
    ...(hint === undefined ? {} : { hint }),
  });
}

/** A plugin in JavaScript can make an error of any values. */
function isWellFormed({ code, message, hint, issues }: ModelSigningError): boolean {
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) &&
    typeof message === "string" && (hint === undefined || typeof hint === "string") &&
    Array.isArray(issues) &&
    issues.every((issue) =>
      typeof issue === "object" && issue !== null && typeof issue.message === "string" &&
      typeof issue.code === "string"
    );
}
