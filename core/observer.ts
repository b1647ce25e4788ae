/** What a run tells while it works: spans for tracing, progress for people. */

/** Plain values that a span or a log line carries. Never secrets. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

/** The steps that are traced. Plugins add their own as `plugin.step`. */
export type SpanName =
  | "sign"
  | "verify"
  | "digest"
  | "enumerate"
  | "hash"
  | "sign.signature"
  | "sign.witness"
  | "verify.signature"
  | "verify.statement"
  | "compare"
  | `${string}.${string}`;

/** One thing that happened. Times are `Date.now()` in ms. */
export type ObserverEvent =
  | {
    readonly kind: "span-start";
    readonly span: number;
    /** The span this one lies in, if any. */
    readonly parent?: number;
    readonly name: SpanName;
    readonly time: number;
    readonly attributes: Attributes;
  }
  | {
    readonly kind: "span-end";
    readonly span: number;
    readonly name: SpanName;
    readonly time: number;
    readonly attributes: Attributes;
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
  /** Adds attributes that are known only at the end of the step. */
  set(attributes: Attributes): void;
};

let lastSpan = 0;

/**
 * Begins a span that does not end with a function, such as that of an iteration.
 *
 * @param parent the enclosing span, or undefined at the top
 * @returns the span, and what ends it
 */
export function beginSpan(
  observer: Observer | undefined,
  name: SpanName,
  parent: Span | undefined,
  attributes: Attributes = {},
): { readonly span: Span; end(error?: unknown): void } {
  const id = ++lastSpan;
  const added: Record<string, string | number | boolean> = {};
  observer?.emit({
    kind: "span-start",
    span: id,
    ...(parent ? { parent: parent.id } : {}),
    name,
    time: Date.now(),
    attributes,
  });
  return {
    span: { id, set: (more) => void Object.assign(added, more) },
    end(error) {
      observer?.emit({
        kind: "span-end",
        span: id,
        name,
        time: Date.now(),
        attributes: added,
        ...(error === undefined ? {} : { error: codeOf(error) }),
      });
    },
  };
}

/** Runs `step` inside a span. A thrown error ends the span with its code. */
export async function traced<T>(
  observer: Observer | undefined,
  name: SpanName,
  parent: Span | undefined,
  step: (span: Span) => Promise<T>,
  attributes: Attributes = {},
): Promise<T> {
  const { span, end } = beginSpan(observer, name, parent, attributes);
  try {
    const result = await step(span);
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

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "INTERNAL";
}
