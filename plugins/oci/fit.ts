/** Whether a statement is about a manifest, by what both say: nothing is verified, and nothing is read. */

import type { Manifest } from "../../core/manifest.ts";
import { isAtOrBelowAny } from "../../core/path.ts";
import { counted, excerpt, quote } from "../../core/text.ts";
import { MANIFEST_DIGEST } from "./annotations.ts";
import type { OciSource } from "./source.ts";

/** How a statement fits. */
export type Fit = {
  /** What no verification of this manifest could pass over. */
  readonly misfit?: string;
  /** What has to be known of it. */
  readonly remarks: readonly string[];
};

/** Compares what is signed with what a manifest lists. */
export function fitOf(signed: Manifest, source: Pick<OciSource, "annotations" | "blobs">): Fit {
  const bound = signed.annotations?.[MANIFEST_DIGEST];
  const actual = source.annotations[MANIFEST_DIGEST]!;
  if (bound !== undefined && bound !== actual) {
    const misfit = `it is about the manifest ${excerpt(bound)}, this one is ${actual}`;
    return { misfit, remarks: [] };
  }
  const { hashType, method, ignorePaths } = signed.serialization;
  if (hashType !== "sha256" || method !== "files") {
    const how = method === "shards" ? `${hashType} digests of shards` : `${hashType} digests`;
    return {
      remarks: [`it signs ${how}, which can be compared with the layers only by verify --deep`],
    };
  }
  const digests = new Map(
    source.blobs.flatMap((blob) => "digest" in blob ? [[blob.name, blob.digest.digest]] : []),
  );
  const foreign = signed.resources.find(({ name, digest }) => digests.get(name) !== digest);
  if (foreign !== undefined) {
    const found = digests.has(foreign.name) ? "with another digest" : "and no layer has that name";
    return { misfit: `it signs ${quote(foreign.name)}, ${found}`, remarks: [] };
  }
  const names = new Set(signed.resources.map(({ name }) => name));
  const ignored = new Set(ignorePaths);
  const unsigned = [...digests.keys()].filter((name) =>
    !names.has(name) && !isAtOrBelowAny(name, ignored)
  );
  const [first] = unsigned;
  if (first === undefined) return { remarks: [] };
  const others = unsigned.length > 1 ? ` and ${counted(unsigned.length - 1, "other")}` : "";
  return {
    remarks: [
      `it does not sign ${
        quote(first)
      }${others}: verify accepts it only with --ignore-unsigned-files`,
    ],
  };
}
