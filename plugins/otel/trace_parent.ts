/** The span that a run is a part of, as W3C Trace Context writes it. */

import { createTraceState, type SpanContext } from "@opentelemetry/api";

/** Version, trace, parent, flags (W3C Trace Context 3.2); later versions may have more behind them. */
const TRACE_PARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads `TRACEPARENT` and `TRACESTATE`.
 *
 * @returns undefined when the former is not well-formed
 */
export function parseTraceParent(parent: string, state?: string): SpanContext | undefined {
  const [, version, traceId = "", spanId = "", flags = "", more] =
    TRACE_PARENT.exec(parent.trim()) ?? [];
  if (version === undefined || version === "ff" || (version === "00" && more !== undefined)) {
    return undefined;
  }
  // 3.2.2.3 and 3.2.2.4: all zeros are no identifier.
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined;
  return {
    traceId,
    spanId,
    // The one flag that version 00 defines: sampled.
    traceFlags: parseInt(flags, 16) & 1,
    isRemote: true,
    ...(state === undefined ? {} : { traceState: createTraceState(state) }),
  };
}
