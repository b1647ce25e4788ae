/** What `trust update` says. */

import { printable } from "../../../core/text.ts";
import { isNewer, published } from "./cached.ts";
import { day } from "./describe.ts";
import type { Repository } from "./repository.ts";
import type { RoleMetadata } from "./tuf_metadata.ts";
import type { Update } from "./update.ts";

/** Which versions there were and are, and what comes of it. */
export function updatePage(
  repository: Repository,
  url: string,
  { before, after, path }: Update,
): string {
  const date = published(after);
  const known = before?.targets.version ?? repository.builtIn?.version;
  const lines = [
    ["Updated", repository.name],
    ["From", url],
    ["Targets", `${versions(known, after.targets)}${date ? `, of ${day(date)}` : ""}`],
    ["Root", `${versions(before?.root.version, after.root)}, ${expires(after.root)}`],
    [
      "Timestamp",
      `${versions(before?.timestamp.version, after.timestamp)}, ${expires(after.timestamp)}`,
    ],
    ["Kept in", path],
    ...(isNewer(after, repository) ? [] : [["In use", "what is built in, which is as new"]]),
  ];
  return lines.map(([label, value]) => `${label!.padEnd(11)}${printable(value!)}\n`).join("");
}

function versions(before: number | undefined, { version }: RoleMetadata): string {
  return before === undefined || before === version
    ? `version ${version}`
    : `version ${before} -> ${version}`;
}

function expires({ expires }: RoleMetadata): string {
  return `expires ${day(expires)}`;
}
