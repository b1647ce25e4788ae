/** Traces of a run to where the environment says. */

import type { Logger } from "../../core/logger.ts";
import type { Observer } from "../../core/observer.ts";
import { type Environment, readEnvironment } from "./environment.ts";

/** Takes spans elsewhere. */
export type TraceExport = {
  /** Makes spans of events. */
  readonly observer: Observer;
  /** Sends the spans that have ended. Takes a second at most; what goes wrong is a warning. To be called once. */
  flush(): Promise<void>;
};

/**
 * Opens the export that the variables ask for. Nothing is loaded, and no socket is opened, when they ask for none.
 *
 * @returns undefined when nothing is to be exported
 */
export async function openTelemetry(
  environment: Environment,
  logger: Logger,
): Promise<TraceExport | undefined> {
  const settings = readEnvironment(environment, (message) => logger.log("warn", message));
  if (settings === undefined) return undefined;
  const { exportTo } = await import("./export.ts");
  return exportTo(settings, logger);
}
