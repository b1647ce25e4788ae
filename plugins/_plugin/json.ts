/** JSON that a plugin gives as a value. */

import { Buffer } from "node:buffer";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { MAX_BUNDLE_VALUES } from "../../core/limits.ts";
import { objectAt, ShapeError, textAt } from "./shape.ts";

/** As text: a log entry with an inclusion proof of 60 hashes and a body of some certificates stays below. */
const MAX_JSON_CHARACTERS = 256 * 1024;

/** An object as the JSON that it will be in a signature file, without getters and `toJSON()`. Throws {@link ShapeError}. */
export function jsonAt(value: unknown, where: string): JsonObject {
  // A cycle, a bigint or a toJSON() that throws is refused by the caller like any other nonsense.
  const text = textAt(JSON.stringify(objectAt(value, where)), where, MAX_JSON_CHARACTERS);
  try {
    const json = parseJson(Buffer.from(text), MAX_BUNDLE_VALUES);
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    throw new ShapeError(`${where} is no JSON: ${error.message}`);
  }
  throw new ShapeError(`${where} is no JSON object`);
}
