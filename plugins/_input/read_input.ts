/** Reading what a user named, which may be a pipe whose writer pauses or never comes. */

import { Buffer } from "node:buffer";
import { closeSync, constants, openSync, read as readDescriptor } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import {
  type ErrorCode,
  ModelSigningError,
  orAbort,
  systemCode,
  systemReason,
  throwIfAborted,
} from "../../core/errors.ts";
import { READ_ONLY } from "../../core/open_file.ts";
import { quote } from "../../core/text.ts";

/** Standard input in the place of a path: its descriptor. */
export const STDIN = 0;

/** The path of a file or a pipe, or standard input. */
export type Input = string | typeof STDIN;

/** How an input is read. */
export type InputOptions = {
  /** Ends the reading at once. Nothing else does: a pipe's writer may take its time. */
  readonly signal?: AbortSignal | undefined;
  /** Of the fault when it cannot be read. Default: `FILE_UNREADABLE`. */
  readonly code?: ErrorCode;
};

/** Bytes of one read. */
const CHUNK_BYTES = 65_536;

/** Between two looks into a pipe that is still empty. */
const POLL_MS = 20;

type Read = (buffer: Uint8Array, offset: number, length: number, position: null) => Promise<
  { readonly bytesRead: number }
>;

/**
 * The bytes of an input; one more than the limit when it has more.
 *
 * @param what names the input in messages: `private key`
 * @throws {ModelSigningError} `FILE_UNREADABLE` or another code that is asked for; `ABORTED`
 */
export async function readInput(
  input: Input,
  what: string,
  limit: number,
  options: InputOptions = {},
): Promise<Uint8Array> {
  const { signal } = options;
  throwIfAborted(signal);
  try {
    if (input === STDIN) {
      return await readAll((...place) => promisify(readDescriptor)(STDIN, ...place), limit, signal);
    }
    const file = await openInput(input, signal);
    try {
      return await readAll((...place) => file.read(...place), limit, signal);
    } finally {
      // Closing waits for a read that hangs.
      await orAbort(file.close(), signal);
    }
  } catch (error) {
    if (error instanceof ModelSigningError) throw error;
    throw unreadable(input, what, systemReason(error), options, error);
  }
}

/** The fault of an input that cannot be read. */
export function unreadable(
  input: Input,
  what: string,
  reason: string,
  { code = "FILE_UNREADABLE" }: InputOptions,
  cause?: unknown,
): ModelSigningError {
  const place = input === STDIN ? "on stdin" : quote(input);
  const details = cause === undefined ? {} : { cause };
  return new ModelSigningError(code, `cannot read ${what} ${place}: ${reason}`, details);
}

async function readAll(
  read: Read,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const buffer = new Uint8Array(Math.min(CHUNK_BYTES, limit + 1));
  const chunks: Uint8Array[] = [];
  let total = 0;
  while (total <= limit) {
    const length = Math.min(buffer.length, limit + 1 - total);
    const count = await orAbort(readSome(read, buffer, length), signal);
    if (count === 0) break;
    if (count === undefined) {
      await orAbort(sleep(POLL_MS), signal);
      continue;
    }
    chunks.push(buffer.slice(0, count));
    total += count;
  }
  return new Uint8Array(Buffer.concat(chunks));
}

/** Reads the next bytes. Gives 0 at the end, undefined when a writer is there and has not written yet. */
async function readSome(
  read: Read,
  buffer: Uint8Array,
  length: number,
): Promise<number | undefined> {
  try {
    return (await read(buffer, 0, length, null)).bytesRead;
  } catch (error) {
    if (systemCode(error) === "EAGAIN") return undefined;
    // The end of a pipe or a console on Windows.
    if (systemCode(error) === "EOF") return 0;
    throw error;
  }
}

/** Opens a file so that reading it never occupies a thread; if it is a FIFO, once a writer has come. */
async function openInput(path: string, signal: AbortSignal | undefined): Promise<FileHandle> {
  const isFifo = (await orAbort(stat(path), signal)).isFIFO();
  // Without such a flag, as on Windows, opening does not wait either.
  if (!isFifo || constants.O_NONBLOCK === undefined) {
    const opening = open(path, READ_ONLY);
    try {
      return await orAbort(opening, signal);
    } catch (error) {
      // Nobody else closes what is opened later.
      opening.then((file) => file.close()).catch(() => {});
      throw error;
    }
  }
  // Until there is a writer, reading gives nothing, as at the end, and only an opening that waits can tell the two apart.
  const opening = open(path, "r");
  try {
    await using _opened = await orAbort(opening, signal);
    return await open(path, READ_ONLY);
  } catch (error) {
    if (signal?.aborted) await callOff(path, opening);
    throw error;
  }
}

/** Ends the wait for a FIFO's writer, which holds a thread and so, on Node, the process: by being one for a moment. */
async function callOff(path: string, opening: Promise<FileHandle>): Promise<void> {
  let isWaiting = true;
  opening.then((file) => file.close()).catch(() => {}).finally(() => isWaiting = false);
  while (isWaiting) {
    try {
      closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
    } catch (error) {
      // Nobody has it open: the thread has not come to it yet.
      if (systemCode(error) !== "ENXIO") return;
    }
    await sleep(POLL_MS);
  }
}
