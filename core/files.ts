/** Reading and writing signature files. */

import { randomBytes } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Bundle, parseBundle } from "./bundle.ts";
import { ModelSigningError, type Parsed, systemCode, systemReason } from "./errors.ts";
import { JsonError, parseMember } from "./json.ts";
import { MAX_BUNDLE_BYTES } from "./limits.ts";
import { READ_ONLY, readStart } from "./open_file.ts";
import { streamAt } from "./stream_path.ts";
import { quote } from "./text.ts";

/**
 * Reads and parses a signature file. One that is too large is refused before it is read.
 *
 * @throws {ModelSigningError} `BUNDLE_UNREADABLE` when there is no such regular file or it cannot be read
 */
export async function readBundleFile(path: string): Promise<Parsed<Bundle>> {
  try {
    await using file = await open(path, READ_ONLY);
    const facts = await file.stat();
    if (!facts.isFile()) {
      throw unreadable(path, `it is ${facts.isDirectory() ? "a directory" : "not a regular file"}`);
    }
    if (facts.size > MAX_BUNDLE_BYTES) return tooLarge(path, facts.size);
    return parseBundle(await readStart(file, facts.size));
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    throw unreadable(path, systemReason(error), error);
  }
}

/**
 * Writes a file so that a failure or an interruption leaves what was there before: to a temporary file
 * beside it, flushed, then renamed.
 *
 * @throws {ModelSigningError} `FILE_UNWRITABLE`
 */
export async function writeFileAtomically(path: string, bytes: Uint8Array): Promise<void> {
  await requireReplaceable(path);
  const temporary = temporaryName(path);
  try {
    await using file = await open(temporary, "wx", 0o666);
    await file.writeFile(bytes);
    await file.sync();
  } catch (error) {
    await discard(temporary);
    throw unwritable(path, error);
  }
  try {
    await rename(temporary, path);
  } catch (error) {
    await discard(temporary);
    throw unwritable(path, error);
  }
}

/** What {@link checkWritable} lets a new file replace, and what may be done in place of writing to a stream. */
export type Replaceable = {
  /** Such as `a signature`. */
  readonly kind: string;
  /** Whether a file's content is one. May throw {@link JsonError}: then it is none. */
  is(content: Uint8Array): boolean;
  /** The hint for a path that leads to a stream. */
  readonly streamHint: string;
};

/**
 * Finds out, before long work begins, whether {@link writeFileAtomically} will be able to write.
 *
 * @param earlier what may be lost: a file that is there must be empty or one of these, so that a mistyped path replaces no
 * key and no weights. Without it any regular file may
 * @throws {ModelSigningError} `FILE_UNWRITABLE`
 */
export async function checkWritable(
  path: string,
  earlier?: Replaceable,
): Promise<void> {
  await requireReplaceable(path, earlier?.streamHint);
  if (earlier) await requireEarlier(path, earlier);
  const temporary = temporaryName(path);
  try {
    await using _file = await open(temporary, "wx", 0o666);
  } catch (error) {
    throw unwritable(path, error);
  }
  await discard(temporary);
}

/** Renaming onto `/dev/null`, a FIFO or the link `/dev/stdout` would put a file in its place, for everybody. */
async function requireReplaceable(path: string, streamHint?: string): Promise<void> {
  const facts = await stat(path, { bigint: true }).catch((error) => {
    if (systemCode(error) === "ENOENT") return undefined;
    throw unwritable(path, error);
  });
  const stream = await streamAt(path, facts);
  const found = stream ?? (facts?.isDirectory() ? "a directory" : undefined);
  if (found === undefined) return;
  throw new ModelSigningError(
    "FILE_UNWRITABLE",
    `cannot write ${quote(path)}: it is ${found}, expected a regular file or nothing`,
    stream === undefined || streamHint === undefined ? {} : { hint: streamHint },
  );
}

/** The largest result that there is. What is larger is none. */
const MAX_RESULT_BYTES = MAX_BUNDLE_BYTES;

async function requireEarlier(
  path: string,
  earlier: Replaceable,
): Promise<void> {
  let content: Uint8Array;
  try {
    await using file = await open(path, READ_ONLY);
    const { size } = await file.stat();
    // One byte of what is too large is enough to be no result.
    content = await readStart(file, size > MAX_RESULT_BYTES ? 1 : size);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return;
    throw unwritable(path, error);
  }
  if (content.length === 0 || isOne(content, earlier)) return;
  const { kind } = earlier;
  throw new ModelSigningError(
    "FILE_UNWRITABLE",
    `cannot write ${quote(path)}: it holds something else than ${kind}, which would be lost`,
    { hint: "name another file, or move this one away" },
  );
}

/** Whether content is a JSON object of a media type, whatever its version and parameters, as the kinds of Sigstore's are. */
export function isTyped(content: Uint8Array, mediaType: string): boolean {
  const found = parseMember(content, "mediaType");
  return typeof found === "string" && found.startsWith(mediaType);
}

function isOne(content: Uint8Array, earlier: Replaceable): boolean {
  try {
    return earlier.is(content);
  } catch (error) {
    if (error instanceof JsonError) return false;
    throw error;
  }
}

/** The failure that led here is the one to report, not that of the removal. */
async function discard(temporary: string): Promise<void> {
  await rm(temporary, { force: true }).catch(() => {});
}

/** Does not grow with the file's name, which may already have the most bytes that a name can have. */
function temporaryName(path: string): string {
  return join(dirname(path), `.model-signing.${randomBytes(8).toString("hex")}.tmp`);
}

function tooLarge(path: string, size: number): Parsed<never> {
  return {
    ok: false,
    issue: {
      code: "BUNDLE_TOO_LARGE",
      message: `signature ${
        quote(path)
      } has ${size} bytes, more than the limit of ${MAX_BUNDLE_BYTES}`,
    },
  };
}

function unreadable(path: string, reason: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError(
    "BUNDLE_UNREADABLE",
    `cannot read signature ${quote(path)}: ${reason}`,
    cause === undefined ? {} : { cause },
  );
}

function unwritable(path: string, cause: unknown): ModelSigningError {
  const message = `cannot write ${quote(path)}: ${systemReason(cause)}`;
  return new ModelSigningError("FILE_UNWRITABLE", message, { cause });
}
