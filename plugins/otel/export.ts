/** Spans to a collector or to stderr, through OpenTelemetry's SDK. Loaded when something is to be exported. */

import { setTimeout as sleep } from "node:timers/promises";
import { TraceFlags } from "@opentelemetry/api";
import { OTLPTraceExporter as JsonExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { OTLPTraceExporter as ProtobufExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  BasicTracerProvider,
  type ReadableSpan,
  type SpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import type { Logger } from "../../core/logger.ts";
import { spanLine } from "./console.ts";
import type { ExportSettings } from "./environment.ts";
import type { TraceExport } from "./open.ts";
import { spanObserver } from "./span_observer.ts";

/** Collects the spans of a run, and sends all of them at its end: one request, and none while models are hashed. */
export function exportTo(settings: ExportSettings, logger: Logger): TraceExport {
  const spans: ReadableSpan[] = [];
  const provider = new BasicTracerProvider({
    resource: defaultResource().merge(resourceFromAttributes(settings.resource)),
    spanProcessors: [collecting(spans)],
  });
  return {
    observer: spanObserver(provider.getTracer("model-signing"), settings),
    async flush() {
      if (settings.toConsole) spans.forEach((span) => console.error(spanLine(span)));
      const { collector } = settings;
      if (collector === undefined || spans.length === 0) return;
      const problem = await send(spans, collector);
      if (problem !== undefined) {
        logger.log("warn", "the trace was not sent", { reason: problem, spans: spans.length });
      } else logger.log("debug", "sent the trace", { spans: spans.length });
    },
  };
}

function collecting(spans: ReadableSpan[]): SpanProcessor {
  return {
    onStart: () => {},
    onEnd: (span) => {
      if (span.spanContext().traceFlags & TraceFlags.SAMPLED) spans.push(span);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}

/** Gives what went wrong, if anything did. */
async function send(
  spans: ReadableSpan[],
  { url, protocol, timeout }: NonNullable<ExportSettings["collector"]>,
): Promise<string | undefined> {
  const Exporter = protocol === "http/json" ? JsonExporter : ProtobufExporter;
  const late = new AbortController();
  try {
    // The exporter's own timeout is one of silence: an answer that drips in would outlast it.
    return await Promise.race([
      exported(new Exporter({ url, timeoutMillis: timeout }), spans),
      sleep(timeout, `the collector did not answer within ${timeout} ms`, { signal: late.signal }),
    ]);
  } catch (error) {
    return reasonOf(error);
  } finally {
    late.abort();
  }
}

function exported(
  exporter: ProtobufExporter | JsonExporter,
  spans: ReadableSpan[],
): Promise<string | undefined> {
  return new Promise((resolve) => {
    exporter.export(spans, ({ code, error }) => resolve(code === 0 ? undefined : reasonOf(error)));
  });
}

/** The status, or the system's code. Messages may quote what the collector says, or its address. */
function reasonOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  if (typeof code === "number") return `the collector answered with status ${code}`;
  return String(code ?? name ?? "unknown");
}
