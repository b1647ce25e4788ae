/** Files of a TUF repository over HTTP. */

import type { RunOptions } from "../../../core/options.ts";
import { request, serviceUrl } from "../../_http/mod.ts";
import type { TufLoad } from "./tuf.ts";

const SERVICE = "the TUF repository";

/** What repositories answer for a root that does not exist; object stores that list nothing say 403. */
const MISSING: readonly number[] = [403, 404];

/**
 * Loads files below an address.
 *
 * @throws {ModelSigningError} `USAGE` for an address that cannot be used; when loading, `NETWORK_…`, `ABORTED`
 */
export function tufFetch(base: string, options: RunOptions): TufLoad {
  serviceUrl(base, "", SERVICE, "USAGE");
  return async (file, maxBytes) => {
    // Only the last root is found by asking for one too many (TUF 5.3.3); any other file has to be there.
    const mayBeMissing = file.endsWith(".root.json");
    const { status, body } = await request({
      service: SERVICE,
      url: serviceUrl(base, `/${file}`, SERVICE, "USAGE"),
      maxBytes,
      accepts: (status) => status === 200 || (mayBeMissing && MISSING.includes(status)),
    }, options);
    return status === 200 ? body : undefined;
  };
}
