/** From events to the spans of a tracer. */

import {
  type Context,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
} from "@opentelemetry/api";
import type { Attributes, Observer, ObserverEvent } from "../../core/observer.ts";

/** What becomes of events. */
export type SpanOptions = {
  /** Whether spans carry `details`: paths, names, identities, hosts. Default: no. */
  readonly details?: boolean;
  /** The span that those at the top lie in. */
  readonly parent?: SpanContext;
};

/**
 * Spans below one other. Only what is read from a registry piece by piece gets there: a model may have 10,000 layers. Further
 * ones are counted in the attribute `model_signing.spans.dropped` of the span above.
 */
const MAX_CHILDREN = 256;

/** What OpenTelemetry's semantic conventions name; names of our own are no part of their namespaces. */
const CONVENTIONS: readonly string[] = ["error", "http", "process", "server"];

/** Characters of a value: a path may have 4096 bytes, an issue any number. */
const MAX_VALUE_LENGTH = 1024;

type Start = Extract<ObserverEvent, { kind: "span-start" }>;
type End = Extract<ObserverEvent, { kind: "span-end" }>;

/** A step under way, and how many there are below. One that was dropped has no span. */
type Open = { readonly span?: Span; readonly context: Context; children: number };

/** Makes a span of each step, with the step's own times. Usable with any tracer, such as one of an embedding program. */
export function spanObserver(tracer: Tracer, options: SpanOptions = {}): Observer {
  const { details: withDetails = false, parent } = options;
  const top = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
  const open = new Map<number, Open>();

  const told = ({ attributes, details }: Start | End) =>
    sent(withDetails ? { ...attributes, ...details } : attributes);

  function start(event: Start): void {
    const above = event.parent === undefined ? undefined : open.get(event.parent);
    if (above && (++above.children > MAX_CHILDREN || above.span === undefined)) {
      open.set(event.span, { context: above.context, children: 0 });
      return;
    }
    const context = above?.context ?? top;
    const span = tracer.startSpan(event.name, {
      startTime: event.time,
      kind: event.name === "http.request" ? SpanKind.CLIENT : SpanKind.INTERNAL,
      attributes: told(event),
    }, context);
    open.set(event.span, { span, context: trace.setSpan(context, span), children: 0 });
  }

  function end(event: End): void {
    const { span, children = 0 } = open.get(event.span) ?? {};
    open.delete(event.span);
    span?.setAttributes(told(event));
    if (children > MAX_CHILDREN) {
      span?.setAttributes(sent({ "spans.dropped": children - MAX_CHILDREN }));
    }
    if (event.error !== undefined) {
      span?.setAttributes(sent({ "error.type": event.error }));
      span?.setStatus({ code: SpanStatusCode.ERROR, message: event.error });
    }
    span?.end(event.time);
  }

  return {
    emit(event) {
      if (event.kind === "span-start") start(event);
      else if (event.kind === "span-end") end(event);
    },
  };
}

/** As a collector gets them. A lone surrogate, as a file name may hold one, cannot be encoded. */
function sent(attributes: Attributes): Attributes {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, value]) => [
      CONVENTIONS.includes(name.split(".", 1)[0]!) ? name : `model_signing.${name}`,
      typeof value === "string" ? value.slice(0, MAX_VALUE_LENGTH).toWellFormed() : value,
    ]),
  );
}
