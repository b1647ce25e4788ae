/** What a plugin said or gave, read by its shape: what is wrong with it is an error that names the plugin. */

import { ModelSigningError } from "../../core/errors.ts";
import { ShapeError } from "./shape.ts";

/**
 * Reads what a plugin says about itself.
 *
 * @param who the plugin, by what it is known by before its name is: `plugin "/opt/demo.js"`
 * @param read throws {@link ShapeError}
 * @throws {ModelSigningError} `PLUGIN_MALFORMED`, and what `read` throws of its own
 */
export function readDeclaration<T>(who: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    const problem = error instanceof ShapeError ? error.message : "it cannot be read";
    throw new ModelSigningError("PLUGIN_MALFORMED", `${who} is malformed: ${problem}`, {
      cause: error,
    });
  }
}

/**
 * Reads what a plugin answered; also a getter of it that throws is the plugin's fault.
 *
 * @param what was asked, for the message: `sign()`
 * @param read throws {@link ShapeError}
 * @throws {ModelSigningError} `PLUGIN_RESULT`, and what `read` throws of its own
 */
export function readAnswer<T>(who: string, what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    const problem = error instanceof ShapeError
      ? error.message
      : `${what} gave what cannot be read`;
    throw new ModelSigningError("PLUGIN_RESULT", `${who} gave a wrong answer: ${problem}`, {
      cause: error,
    });
  }
}
