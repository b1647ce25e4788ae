/**
 * Traces as OpenTelemetry spans. Not among the built-in plugins: only a program that imports this module carries
 * OpenTelemetry's packages.
 */

export {
  type Environment,
  type ExportSettings,
  type Protocol,
  readEnvironment,
} from "./environment.ts";
export { openTelemetry, type TelemetryExport } from "./open.ts";
export { spanObserver, type SpanOptions } from "./span_observer.ts";
export { parseTraceParent } from "./trace_parent.ts";
