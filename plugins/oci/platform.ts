/** Picking one manifest out of an index. */

import { ModelSigningError } from "../../core/errors.ts";
import type { Option } from "../../core/plugin.ts";
import { excerpt, printable, quote } from "../../core/text.ts";
import { type Descriptor, type Platform, platformName } from "./descriptor.ts";
import type { ImageIndex } from "./manifest.ts";

/** The option that picks. */
export const PLATFORM: Option = {
  name: "platform",
  type: "string",
  metavar: "OS/ARCH",
  description:
    "Which manifest of an index is the model: os/architecture or os/architecture/variant",
};

/** Platforms that a message names. */
const MAX_NAMED = 20;

/**
 * Parses what a user writes.
 *
 * @throws {ModelSigningError} `USAGE`
 */
export function parsePlatform(text: string): Platform {
  const [os = "", architecture = "", variant, ...rest] = text.split("/");
  if (os === "" || architecture === "" || variant === "" || rest.length > 0) {
    throw new ModelSigningError(
      "USAGE",
      `the platform is ${excerpt(text)}, expected OS/ARCH or OS/ARCH/VARIANT, such as linux/arm64`,
    );
  }
  return { os, architecture, ...(variant === undefined ? {} : { variant }) };
}

/**
 * The manifest of an index for a platform. Without a variant in `wanted`, one without a variant is taken, else the
 * only one with any.
 *
 * @param name of the index in messages, safe to print
 * @throws {ModelSigningError} `OCI_INDEX` when no platform or none that fits is named
 */
export function pickManifest(
  index: ImageIndex,
  wanted: Platform | undefined,
  name: string,
): Descriptor {
  const found = `${name} is an index of manifests for ${platformsOf(index)}`;
  if (wanted === undefined) {
    throw new ModelSigningError("OCI_INDEX", `${found}, expected one manifest`);
  }
  const fitting = index.manifests.filter(({ platform }) =>
    platform?.os === wanted.os && platform.architecture === wanted.architecture &&
    (wanted.variant === undefined || platform.variant === wanted.variant)
  );
  const plain = fitting.filter(({ platform }) => platform?.variant === undefined);
  const [only, ...others] = plain.length > 0 ? plain : fitting;
  if (only === undefined) {
    throw new ModelSigningError(
      "OCI_INDEX",
      `${found}, and has none for ${quote(platformName(wanted))}`,
    );
  }
  if (others.some(({ digest }) => digest !== only.digest)) {
    throw new ModelSigningError(
      "OCI_INDEX",
      `${found}, and has several for ${quote(platformName(wanted))}`,
      { hint: "name the manifest by its digest, as NAME@sha256:..." },
    );
  }
  return only;
}

/** The platforms of an index, for messages: `linux/amd64, linux/arm64`. */
export function platformsOf({ manifests }: ImageIndex): string {
  const names = manifests.map(({ platform }) =>
    platform ? printable(platformName(platform)) : "any platform"
  );
  const distinct = [...new Set(names)];
  if (distinct.length === 0) return "no platform";
  const more = distinct.length > MAX_NAMED ? ` and ${distinct.length - MAX_NAMED} others` : "";
  return distinct.slice(0, MAX_NAMED).join(", ") + more;
}
