/** Hashes content that is handed over piece by piece, and writes it to a file where that is wanted. */

import { closeSync, constants, openSync, writeSync } from "node:fs";
import { aborted, ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import type { Algorithm, Digester } from "./algorithm.ts";
import type { Tally } from "./tally.ts";
import type { StreamUnit } from "./unit.ts";

/** Exclusive: on a file system without case, two names may be one file. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL;

/**
 * Bytes per write. Linux keeps what a larger write brings in larger pages, which a machine may have to look for: about
 * 1 GiB was pulled in 2.0 s by writes of 64 KiB, in 2.2 s by writes of 256 KiB (medians of five, ext4, in a virtual
 * machine).
 */
const WRITE_BYTES = 64 * 1024;

/** Takes the content of one stream. */
export class Sink {
  readonly #unit: StreamUnit;
  readonly #digester: Digester;
  readonly #tally: Tally;
  #file: number | undefined;
  #isOpen = true;

  /** Creates the file. Throws `FILE_UNWRITABLE`, as the methods do. */
  constructor(unit: StreamUnit, algorithm: Algorithm, tally: Tally) {
    this.#unit = unit;
    this.#digester = algorithm.start();
    this.#tally = tally;
    const { copyTo } = unit;
    if (copyTo !== undefined) this.#file = this.#written(() => openSync(copyTo, NEW_FILE, 0o644));
  }

  /** Takes the next bytes. Throws `ABORTED` after the end, since a part is no content. */
  take(bytes: Uint8Array): void {
    if (!this.#isOpen) throw aborted();
    this.#digester.update(bytes);
    const file = this.#file;
    if (file !== undefined) {
      this.#written(() => {
        for (let at = 0; at < bytes.length;) {
          at += writeSync(file, bytes, at, Math.min(WRITE_BYTES, bytes.length - at));
        }
      });
    }
    this.#tally.add(bytes.length);
  }

  /** The digest of all of it, in lowercase hex. Throws like {@link take}. */
  end(): string {
    if (!this.#isOpen) throw aborted();
    // What a network file system could not store it may say at the end only.
    this.#written(() => this.#close());
    return this.#digester.hex();
  }

  /** Closes the file, if it is open: there is no digest. Never throws. */
  discard(): void {
    try {
      this.#close();
    } catch {
      // Nobody wants what was written.
    }
  }

  #close(): void {
    const file = this.#file;
    this.#file = undefined;
    this.#isOpen = false;
    if (file !== undefined) closeSync(file);
  }

  #written<T>(step: () => T): T {
    try {
      return step();
    } catch (cause) {
      const reason = systemCode(cause) === "EEXIST"
        ? "another file has the same name here, or lies below it"
        : systemReason(cause);
      throw new ModelSigningError(
        "FILE_UNWRITABLE",
        `cannot write ${quote(this.#unit.path)}: ${reason}`,
        { cause },
      );
    }
  }
}
