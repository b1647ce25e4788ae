/** What listings of referrers have in common. */

import type { Descriptor } from "./descriptor.ts";
import { type OciDigest, splitDigest } from "./digest.ts";
import { MAX_REFERRERS } from "./limits.ts";
import { EMPTY_CONFIG } from "./media_types.ts";
import { malformed } from "./members.ts";

/**
 * The tag of the index that lists referrers where a registry does not (OCI distribution 1.1, "Referrers Tag Schema").
 */
export function referrersTag(subject: OciDigest): string {
  const { algorithm, hex } = splitDigest(subject);
  return `${algorithm}-${hex.slice(0, 64)}`;
}

/** Whether a tag is such a one. */
export function isReferrersTag(tag: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64}$/.test(tag);
}

/** Gives descriptors on: each digest once, no more than `MAX_REFERRERS`, without what is clearly of another type. */
export class ReferrerList {
  readonly #seen: Set<string> = new Set();
  readonly #artifactType: string | undefined;
  readonly #name: string;

  /** @param name of the listing, for messages, safe to print */
  constructor(name: string, artifactType: string | undefined) {
    this.#name = name;
    this.#artifactType = artifactType;
  }

  /** Those of a page that are wanted. Throws `OCI_MANIFEST` when there are too many in all. */
  *take(page: readonly Descriptor[]): Generator<Descriptor> {
    for (const descriptor of page) {
      if (this.#seen.has(descriptor.digest)) continue;
      this.#seen.add(descriptor.digest);
      if (this.#seen.size > MAX_REFERRERS) {
        throw malformed(`${this.#name} have more than ${MAX_REFERRERS} entries`);
      }
      if (this.#wants(descriptor)) yield descriptor;
    }
  }

  #wants({ artifactType }: Descriptor): boolean {
    return this.#artifactType === undefined || artifactType === undefined ||
      // cosign 3.1 writes it into the fallback index in place of the manifest's own.
      artifactType === EMPTY_CONFIG || artifactType === this.#artifactType;
  }
}
