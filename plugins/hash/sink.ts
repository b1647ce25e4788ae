/** Hashes content that is handed over piece by piece, and writes it to a file where that is wanted. */

import { aborted, ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { quote } from "../../core/text.ts";
import type { Algorithm, Digester } from "./algorithm.ts";
import { FileCopy } from "./file_copy.ts";
import type { Pace } from "./pace.ts";
import type { Tally } from "./tally.ts";
import type { StreamUnit } from "./unit.ts";

/** What the sinks of a lane share. */
export type SinkSettings = {
  readonly algorithm: Algorithm;
  readonly tally: Tally;
  readonly pace: Pace;
};

/** Takes the content of one stream. */
export class Sink {
  readonly #unit: StreamUnit;
  readonly #digester: Digester;
  readonly #tally: Tally;
  #copy: FileCopy | undefined;
  #isOpen = true;

  /** Creates the file. Throws `FILE_UNWRITABLE`, as the methods do. */
  constructor(unit: StreamUnit, { algorithm, tally, pace }: SinkSettings) {
    this.#unit = unit;
    this.#digester = algorithm.start();
    this.#tally = tally;
    const { copyTo } = unit;
    if (copyTo === undefined) return;
    pace.begin();
    this.#copy = this.#written(() => new FileCopy(copyTo, pace));
  }

  /** Takes the next bytes. Throws `ABORTED` after the end, since a part is no content. */
  take(bytes: Uint8Array): void {
    if (!this.#isOpen) throw aborted();
    const start = performance.now();
    this.#digester.update(bytes);
    const hashing = performance.now() - start;
    this.#written(() => this.#copy?.write(bytes, hashing));
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
    const copy = this.#copy;
    this.#copy = undefined;
    this.#isOpen = false;
    copy?.close();
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
