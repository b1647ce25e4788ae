/** What a run tells while it works: spans for tracing, progress for people. */

import { performance } from "node:perf_hooks";

/** Plain values that a span or a log line carries. Never secrets. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/**
 * What is known of a step. The two parts go different ways: whoever sends spans to another machine leaves the
 * details out unless the user wants them there.
 */
export type Facts = {
  /** Sizes, counts, algorithms, statuses, codes, what kind of service was asked. */
  readonly attributes?: Attributes;
  /** What tells whose or which: paths, names, identities, hosts, addresses, digests. */
  readonly details?: Attributes;
};

/** The steps that are traced. Plugins add their own as `plugin.step`. */
export type SpanName =
  | "run"
  | "sign"
  | "verify"
  | "enumerate"
  | "hash"
  | "compare"
  | `${string}.${string}`;

/** One thing that happened. Times are in ms since 1970, with a fraction, and never run backwards. */
export type ObserverEvent =
  | Required<Facts> & {
    readonly kind: "span-start";
    readonly span: number;
    /** The span this one lies in, if any. */
    readonly parent?: number;
    readonly name: SpanName;
    readonly time: number;
  }
  | Required<Facts> & {
    readonly kind: "span-end";
    readonly span: number;
    readonly name: SpanName;
    readonly time: number;
    /** Code of the error that ended the step, if one did. */
    readonly error?: string;
  }
  /** Sent at most every 100 ms, and once at the end. */
  | { readonly kind: "progress"; readonly progress: Progress };

/** How far hashing is. Totals grow until the enumeration has ended. */
export type Progress = {
  readonly filesDone: number;
  readonly filesFound: number;
  readonly bytesDone: number;
  readonly bytesFound: number;
  /** True once the enumeration has ended and the totals are final. */
  readonly totalsFinal: boolean;
  /** The path most recently begun, relative to the model's root; unescaped. */
  readonly current?: string;
};

/** Receives events. It must not throw and should return quickly: it is called from the hashing path. */
export interface Observer {
  /** Takes one event. */
  emit(event: ObserverEvent): void;
}

/** A step under way. */
export type Span = {
  readonly id: number;
  /** Adds what is known only later. After the end of the step it does nothing. */
  set(attributes: Attributes, details?: Attributes): void;
};

/** The part of `RunOptions` that tracing takes: who is told, and the step that all this is a part of. */
export type Tracing = { readonly observer?: Observer; readonly span?: Span };

let lastSpan = 0;

/** Begins a span that does not end with a function, such as that of an iteration; gives what ends it, too. */
export function beginSpan(
  { observer, span: parent }: Tracing,
  name: SpanName,
  { attributes = {}, details = {} }: Facts = {},
): { readonly span: Span; end(error?: unknown): void } {
  const id = ++lastSpan;
  let added: Required<Facts> | undefined = { attributes: {}, details: {} };
  observer?.emit({
    kind: "span-start",
    span: id,
    ...(parent ? { parent: parent.id } : {}),
    name,
    time: now(),
    attributes,
    details,
  });
  return {
    span: {
      id,
      set(attributes, details) {
        if (added === undefined) return;
        added = {
          attributes: { ...added.attributes, ...attributes },
          details: { ...added.details, ...details },
        };
      },
    },
    end(error) {
      if (added === undefined) return;
      observer?.emit({
        kind: "span-end",
        span: id,
        name,
        time: now(),
        ...added,
        ...(error === undefined ? {} : { error: codeOf(error) }),
      });
      added = undefined;
    },
  };
}

/**
 * Runs `step` inside a span. It is given the options that it was called with and its own span in them, so that what it
 * calls with these lies inside. A thrown error ends the span with its code.
 */
export async function traced<O extends Tracing, T>(
  options: O,
  name: SpanName,
  step: (options: O & { readonly span: Span }) => Promise<T>,
  facts: Facts = {},
): Promise<T> {
  const { span, end } = beginSpan(options, name, facts);
  try {
    const result = await step({ ...options, span });
    end();
    return result;
  } catch (error) {
    end(error);
    throw error;
  }
}

/** Sends every event to each of `observers`. */
export function combineObservers(...observers: readonly Observer[]): Observer {
  return { emit: (event) => observers.forEach((observer) => observer.emit(event)) };
}

/** Not `Date.now()`: steps take less than a millisecond, and somebody may set the clock meanwhile. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  // One that is more than a code could say anything.
  return typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "INTERNAL";
}
