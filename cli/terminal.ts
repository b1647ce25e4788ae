/** The terminal at which the person sits. */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import process from "node:process";
import tty from "node:tty";
import { ModelSigningError } from "../core/mod.ts";

/** A terminal to ask at. */
export type Terminal = {
  readonly input: tty.ReadStream;
  write(text: string): void;
};

/**
 * Opens the controlling terminal, where a person can be asked even when stdin and stdout are something else.
 * It stays open: after a stream on it was destroyed, Bun 1.4.5 lets the next one read nothing.
 *
 * @throws {ModelSigningError} `INTERACTION_UNAVAILABLE`
 */
export function openTerminal(): Terminal {
  const fd = openControlling(constants.O_RDWR);
  if (fd === undefined) return standardTerminal();
  return { input: new tty.ReadStream(fd), write: (text) => void writeSync(fd, text) };
}

/** Writes to the controlling terminal. Gives false when there is none. */
export function writeToTerminal(text: string): boolean {
  const fd = openControlling(constants.O_WRONLY);
  if (fd === undefined) return false;
  try {
    writeSync(fd, text);
  } finally {
    closeSync(fd);
  }
  return true;
}

function openControlling(access: number): number | undefined {
  if (process.platform === "win32") return undefined;
  try {
    return openSync("/dev/tty", access | constants.O_NOCTTY);
  } catch {
    // ENXIO or ENOENT: the process has no controlling terminal, but stdin may still be one.
    return undefined;
  }
}

function standardTerminal(): Terminal {
  if (!tty.isatty(0)) {
    throw new ModelSigningError(
      "INTERACTION_UNAVAILABLE",
      "nobody can be asked: there is no terminal",
    );
  }
  return { input: process.stdin as tty.ReadStream, write: (text) => void writeSync(2, text) };
}
