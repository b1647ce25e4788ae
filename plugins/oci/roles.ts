/** What the resources of a statement were in the manifest that it was made from. */

import type { Resource } from "../../core/hasher.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import { parseShardName } from "../../core/shard.ts";
import type { ResourceRole } from "../../core/source.ts";
import type { Statement } from "../../core/statement.ts";
import { CONFIG_ROLE, OCI_SOURCE, ROLE, SOURCE } from "./annotations.ts";
import { CONFIG_NAME, isArchiveType, isPositionalName } from "./naming.ts";

/**
 * The resources of a statement about a manifest that need not be files of a folder: the config blob, and archives.
 *
 * Our own statements say that they are about a manifest, and which resource is its config blob. Those of the Go tool
 * say neither, and then `config.json` could as well be a file whose loss nobody should forgive: there the user has to
 * assert it.
 */
export function ociRoles(
  { manifest: { annotations = {}, resources, serialization } }: Statement,
  asserted: boolean,
): ReadonlyMap<string, ResourceRole> {
  const marked = annotations[SOURCE] === OCI_SOURCE;
  if (!marked && !asserted) return new Map();
  const roles = resources.flatMap((resource): readonly [string, ResourceRole][] => {
    const path = serialization.method === "shards"
      ? parseShardName(resource.name)?.path ?? resource.name
      : resource.name;
    const isConfig = marked ? isMarkedConfig(resource) : path === CONFIG_NAME;
    if (isConfig) return [[resource.name, "metadata"]];
    const mediaType = resource.extra?.["mediaType"];
    const isArchive = isPositionalName(path) ||
      (typeof mediaType === "string" && isArchiveType(mediaType));
    return isArchive ? [[resource.name, "archive"]] : [];
  });
  return new Map(roles);
}

function isMarkedConfig({ extra }: Resource): boolean {
  const annotations = extra?.["annotations"] as Json | undefined;
  return isObject(annotations) && annotations[ROLE] === CONFIG_ROLE;
}
