/** What a lane and its worker say to each other. */

import type { Piece } from "./ring.ts";
import type { FileUnit, Outcome, StreamUnit } from "./unit.ts";

/** To the worker. What belongs to a stream comes in order: its beginning, pieces, its end or `discard`. */
export type LaneMessage =
  | { readonly kind: "units"; readonly units: readonly FileUnit[] }
  /** The memory of a `Ring`, in which the stream's pieces lie. */
  | { readonly kind: "begin"; readonly unit: StreamUnit; readonly memory: SharedArrayBuffer }
  /** The next bytes, left alone until they come back with `taken`. */
  | { readonly kind: "piece"; readonly piece: Piece }
  | { readonly kind: "end" }
  | { readonly kind: "discard" };

/** What keeps a lane from working any more. */
export type LaneFault = "HASH_UNAVAILABLE" | "HASH_WORKER_FAILED" | "FILE_UNWRITABLE";

/** From the worker. `units`, `piece`, `end` and `discard` have one answer each, in order; the rest comes unasked. */
export type WorkerAnswer =
  | { readonly kind: "outcomes"; readonly outcomes: readonly Outcome[] }
  | { readonly kind: "taken"; readonly at: number }
  | { readonly kind: "ended"; readonly digest: string }
  | { readonly kind: "discarded" }
  /** Why the worker does without native code; once, before it answers. */
  | { readonly kind: "fallback"; readonly reason: string }
  | { readonly kind: "failed"; readonly code: LaneFault; readonly message: string };
