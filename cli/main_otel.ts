/** The entry of the program that can send traces to a collector; built by `deno task compile --otel`. */

import { openTelemetry } from "../plugins/otel/mod.ts";
import { start } from "./start.ts";

await start({
  workerUrl: new URL("./hash_worker.ts", import.meta.url),
  traceExport: openTelemetry,
});
