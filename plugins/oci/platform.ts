/** Picking one manifest out of an index. */

import { ModelSigningError } from "../../core/errors.ts";
import { printable } from "../../core/text.ts";
import { type Descriptor, type Platform, platformName } from "./descriptor.ts";
import type { ImageIndex } from "./manifest.ts";

/** Platforms that a message names. */
const MAX_NAMED = 20;

/** The platforms of an index, for messages: `linux/amd64, linux/arm64`. */
export function platformsOf({ manifests }: ImageIndex): string {
  const names = manifests.map(({ platform }) =>
    platform ? printable(platformName(platform)) : "any"
  );
  const distinct = [...new Set(names)];
  if (distinct.length === 0) return "no platform";
  const more = distinct.length > MAX_NAMED ? ` and ${distinct.length - MAX_NAMED} others` : "";
  return distinct.slice(0, MAX_NAMED).join(", ") + more;
}
