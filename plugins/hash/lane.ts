/** Where units are hashed: this thread or a worker. Both run the same code over the same units. */

import type { ModelSigningError } from "../../core/errors.ts";
import type { HashType } from "../../core/hasher.ts";
import type { FileUnit, Outcome, StreamUnit } from "./unit.ts";

/** What a lane has to know; plain data, so that it can be sent to a worker. */
export type LaneSettings = {
  readonly type: HashType;
  readonly native: boolean;
  readonly followLinks: boolean;
  /** The memory of a {@link Tally}. */
  readonly shared: SharedArrayBuffer;
};

/** What a lane tells without being asked. */
export type LaneReports = {
  /** It does without native code, for this reason. */
  readonly onFallback: (reason: string) => void;
  /** It cannot work any more. Whoever waits for it is told, too; nobody may be waiting. */
  readonly onFailure: (error: ModelSigningError) => void;
};

/** Does one thing at a time: a list of units, or a stream. */
export interface Lane {
  /** The outcomes, in the order of the units. Once the tally says stop, they may be fewer. */
  run(units: readonly FileUnit[]): Promise<readonly Outcome[]>;
  /** Begins to take the content of a stream. */
  begin(unit: StreamUnit): Promise<LaneStream>;
  /**
   * Ends the lane at once, also in the middle of a unit. A file that it was writing is closed then, unless the file
   * system hangs.
   */
  close(): Promise<void>;
}

/** Content on its way to a lane. All methods throw what keeps the lane from working (`LaneFault`). */
export interface LaneStream {
  /** Hands over the next bytes, which stay the caller's own. Resolves when there is room for more. */
  take(bytes: Uint8Array): Promise<void>;
  /** The digest of all of it, in lowercase hex. */
  end(): Promise<string>;
  /** Ends it without a digest. */
  discard(): Promise<void>;
}
