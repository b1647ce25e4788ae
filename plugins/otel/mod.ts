/**
 * Traces of the program as OpenTelemetry spans. Not among the built-in plugins: only a program that imports this module
 * carries OpenTelemetry's packages. The library's entry is `span_observer.ts` alone.
 */

export { openTelemetry, type TraceExport } from "./open.ts";
