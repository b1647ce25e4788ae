/** What the resources of a statement were in the manifest that it was made from. */

import type { Resource } from "../../core/hasher.ts";
import type { Json } from "../../core/json.ts";
import { isObject } from "../../core/json.ts";
import { resourcePath } from "../../core/manifest.ts";
import type { ResourceRole } from "../../core/source.ts";
import type { Statement } from "../../core/statement.ts";
import { ARCHIVE_ROLE, CONFIG_ROLE, OCI_SOURCE, ROLE, SOURCE } from "./annotations.ts";
import { CONFIG_NAME, isPositionalName } from "./naming.ts";

/**
 * The resources of a statement about a manifest that need not be files of a folder: the config blob, and archives.
 *
 * Our own statements say that they are about a manifest, and which resources are its config blob and archives. Those of
 * the Go tool say neither, and then `config.json` could as well be a file whose loss nobody should forgive: there the
 * user has to assert it, and names are all that there is to go by.
 */
export function ociRoles(
  { manifest: { annotations = {}, resources, serialization } }: Pick<Statement, "manifest">,
  asserted: boolean,
): ReadonlyMap<string, ResourceRole> {
  const marked = annotations[SOURCE] === OCI_SOURCE;
  if (!marked && !asserted) return new Map();
  const roles = resources.flatMap((resource): readonly [string, ResourceRole][] => {
    const path = resourcePath(resource.name, serialization.method);
    const role = marked ? markOf(resource) : nameRole(path);
    return role === undefined ? [] : [[resource.name, role]];
  });
  return new Map(roles);
}

function markOf({ extra }: Resource): ResourceRole | undefined {
  const annotations = extra?.["annotations"] as Json | undefined;
  const mark = isObject(annotations) ? annotations[ROLE] : undefined;
  return mark === CONFIG_ROLE ? "metadata" : mark === ARCHIVE_ROLE ? "archive" : undefined;
}

function nameRole(path: string): ResourceRole | undefined {
  return path === CONFIG_NAME ? "metadata" : isPositionalName(path) ? "archive" : undefined;
}
