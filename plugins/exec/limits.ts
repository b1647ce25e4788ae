/**
 * Bounds on what a program that is a plugin may write, and on how long it may take. Those on the parts of one message
 * stand beside their reader.
 */

/**
 * Bytes of a frame with its newline. A pipe of Linux holds as many, so that a frame can be written in one go; the largest
 * that anybody needs, a signature with a chain of 16 certificates of 2 KiB each, has 45 KB. Payloads go by file.
 */
export const MAX_FRAME_BYTES: number = 64 * 1024;

/** Values in a frame: a hundred checks or options of ten members each stay below. */
export const MAX_FRAME_VALUES = 5000;

/** Bytes on stdout in the life of a process: a hello, some hundred reports of progress, an answer. */
export const MAX_STDOUT_BYTES: number = 1024 * 1024;

/** Bytes of stderr that are passed on; the rest is read and dropped. */
export const MAX_STDERR_BYTES: number = 1024 * 1024;

/** Characters of a line of stderr; longer ones are cut. */
export const MAX_STDERR_LINE = 4096;

/** Questions that a plugin may ask in one request: a PIN, a consent, a touch, and some that went wrong. */
export const MAX_PROMPTS = 16;

/** Wait for the first frame, in ms: interpreters take a second to start on a busy machine. */
export const HELLO_MS = 10_000;

/** Limit of one request when the run sets none, in ms. */
export const REQUEST_MS = 60_000;

/** Time that a process is given to end by itself after it was told to, in ms. */
export const GRACE_MS = 2000;

/** Bytes of a program's file, which is read for its digest: interpreters compiled with their libraries have 150 MB. */
export const MAX_PROGRAM_BYTES: number = 512 * 1024 * 1024;
