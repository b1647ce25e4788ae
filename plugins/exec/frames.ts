/** Frames: one JSON object a line. */

import { Buffer } from "node:buffer";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import { excerpt } from "../../core/text.ts";
import { MAX_FRAME_BYTES, MAX_FRAME_VALUES, MAX_STDOUT_BYTES } from "./limits.ts";

/** What the other side wrote is no protocol, or too much of it. */
export class FrameError extends Error {
  readonly code: "PLUGIN_PROTOCOL" | "PLUGIN_FLOODED";
  /** The beginning of the line that is no frame. It may hold what whoever wrote it was told in confidence. */
  readonly excerpt: string | undefined;
  /** The message ends a sentence about whoever wrote it. */
  constructor(code: FrameError["code"], message: string, line?: Uint8Array) {
    super(message);
    this.code = code;
    this.excerpt = line && excerpt(Buffer.from(line).toString("utf8"));
  }
}

/** Takes bytes as they come, and gives the frames in them. */
export class FrameReader {
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #total = 0;

  /** The frames that these bytes complete. Throws {@link FrameError}. */
  *take(chunk: Uint8Array): Generator<JsonObject> {
    this.#total += chunk.length;
    if (this.#total > MAX_STDOUT_BYTES) {
      throw new FrameError("PLUGIN_FLOODED", `wrote more than ${MAX_STDOUT_BYTES} bytes`);
    }
    let start = 0;
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, start)) {
      this.#keep(chunk.subarray(start, end));
      start = end + 1;
      const line = Buffer.concat(this.#pending);
      this.#pending = [];
      this.#pendingBytes = 0;
      yield parseFrame(line);
    }
    this.#keep(chunk.subarray(start));
  }

  #keep(part: Uint8Array): void {
    this.#pendingBytes += part.length;
    if (this.#pendingBytes >= MAX_FRAME_BYTES) {
      throw new FrameError(
        "PLUGIN_FLOODED",
        `wrote a line of more than ${MAX_FRAME_BYTES} bytes`,
      );
    }
    if (part.length > 0) this.#pending.push(Uint8Array.from(part));
  }
}

function parseFrame(line: Uint8Array): JsonObject {
  try {
    const frame = parseJson(line, MAX_FRAME_VALUES);
    if (isObject(frame) && typeof frame["type"] === "string") return frame;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const message = `wrote a line on stdout that is no JSON: ${error.message}`;
    throw new FrameError("PLUGIN_PROTOCOL", message, line);
  }
  const message = 'wrote a line on stdout that is no object with a "type"';
  throw new FrameError("PLUGIN_PROTOCOL", message, line);
}

/** A frame as the bytes of its line, or undefined when it is too large. */
export function frameBytes(frame: Readonly<Record<string, unknown>>): Uint8Array | undefined {
  const bytes = Buffer.from(`${JSON.stringify(frame)}\n`, "utf8");
  return bytes.length <= MAX_FRAME_BYTES ? bytes : undefined;
}
