/** Spans for whoever looks at stderr. */

import type { ReadableSpan } from "@opentelemetry/sdk-trace-base";
import { printableJson } from "../../core/text.ts";

/** A span as one line of JSON; times are ISO 8601 and ms. */
export function spanLine(span: ReadableSpan): string {
  const { traceId, spanId } = span.spanContext();
  const { name, parentSpanContext, startTime, duration, attributes, resource, status } = span;
  return printableJson(JSON.stringify({
    span: name,
    traceId,
    spanId,
    parentSpanId: parentSpanContext?.spanId,
    start: new Date(inMs(startTime)).toISOString(),
    ms: inMs(duration),
    attributes,
    ...(status.message === undefined ? {} : { error: status.message }),
    service: resource.attributes["service.name"],
  }));
}

function inMs([seconds, nanoseconds]: readonly [number, number]): number {
  return seconds * 1000 + nanoseconds / 1e6;
}
