/** The border between the program and code of others: every call goes out, and every answer comes in, through here. */

import { aborted, type ErrorCode, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import { readAnswer } from "./reading.ts";
import { MAX_TEXT_LENGTH, patternAt, textAt } from "./shape.ts";
import { Stopwatch } from "./stopwatch.ts";
import { issueAt } from "./verification.ts";

/**
 * Steps of a plugin's call that may each take as long as the run's timeout says: open a session, log in, sign, fetch a
 * certificate, log out.
 */
const STEPS = 5;

/** Limit of one step when the run sets none, in ms. */
const STEP_MS = 60_000;

/** Time that a plugin is given to end what nobody waits for any more, in ms. */
export const ENDING_MS = 2000;

/** Time for telling what a signature says of itself, in ms: that takes no work. */
const DESCRIBE_MS = 10_000;

/** Calls that plugins have not answered yet. */
const open = new Set<Pick<Call<unknown>, "who" | "what">>();

/** The calls that plugins have not answered, for whoever has to say why the process ends: `plugin "vault" in sign()`. */
export function openCalls(): readonly string[] {
  return [...open].map(({ who, what }) => `${who} in ${what}`);
}

/** Options for telling what a signature says of itself, in one step: nothing is asked of anybody. */
export function describing({ interaction: _, timeout, ...run }: RunOptions): RunOptions {
  return { ...run, timeout: Math.min(DESCRIBE_MS, timeout ?? Infinity) };
}

/** What is called. */
export type Call<T> = {
  /** Who is called, for messages: `plugin "vault"`. */
  readonly who: string;
  /** What is asked of it, for messages: `sign()`. */
  readonly what: string;
  readonly options: RunOptions;
  /** Steps that it may take; infinite for what may take hours: copying a model, a command that serves. Default: 5. */
  readonly steps?: number;
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
  const limit = (timeout ?? STEP_MS) * (call.steps ?? STEPS);
  const stopwatch = new Stopwatch(limit);
  const options: RunOptions = {
    ...rest,
    ...(signal ? { signal } : {}),
    ...(timeout === undefined ? {} : { timeout }),
    ...(interaction ? { interaction: stopwatch.pausedBy(interaction) } : {}),
  };
  const { promise: ended, reject } = Promise.withResolvers<never>();
  using _watch = stopwatch.watch(() =>
    reject(
      new ModelSigningError(
        "PLUGIN_TIMEOUT",
        `${who} did not end ${what} within ${limit / 1000} s` +
          // Other calls have limits of their own.
          (call.steps === undefined ? `, the limit of ${STEPS} steps` : ""),
      ),
    )
  );
  const abort = () => {
    if (signal) reject(aborted(signal.reason));
  };
  signal?.addEventListener("abort", abort, { once: true });
  open.add(call);
  try {
    // A function of its own, so that throwing is as good as rejecting.
    const answer = await Promise.race([(async () => await call.run(options))(), ended]);
    throwIfAborted(signal);
    return readAnswer(who, what, () => call.read(answer));
  } catch (error) {
    throw asFault(who, what, error, signal);
  } finally {
    open.delete(call);
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * The error of a plugin as one of the program's, that says whose it is.
 *
 * @param signal tells whether the run was aborted, or the plugin says so of itself
 */
function asFault(
  who: string,
  what: string,
  error: unknown,
  signal?: AbortSignal,
): ModelSigningError {
  return ownFault(who, error, signal) ?? new ModelSigningError(
    "PLUGIN_FAILED",
    `${who} failed in ${what}: ${excerpt(wordsOf(error))}`,
    { cause: error },
  );
}

/** An error of ours that the plugin threw; undefined for others, and for one that it has made of nonsense. */
function ownFault(
  who: string,
  error: unknown,
  signal: AbortSignal | undefined,
): ModelSigningError | undefined {
  try {
    if (!(error instanceof ModelSigningError)) return undefined;
    const { code, hint, issues } = error;
    if (code === "ABORTED" && signal?.aborted) return aborted(signal.reason);
    const message = error.message.slice(0, MAX_TEXT_LENGTH);
    return new ModelSigningError(
      patternAt(code, "code", /^[A-Z][A-Z0-9_]{0,63}$/) as ErrorCode,
      message.includes(who) ? message : `${who}: ${message}`,
      {
        cause: error,
        issues: issues.map((issue, index) => issueAt(issue, `issues[${index}]`)),
        ...(hint === undefined ? {} : { hint: textAt(hint, "hint") }),
      },
    );
  } catch {
    return undefined;
  }
}

/** Anything can be thrown, also what cannot be made a text of. */
function wordsOf(error: unknown): string {
  try {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  } catch {
    return "it threw what cannot be shown";
  }
}
