/** Listing referrers by the API (OCI distribution 1.1, "Listing Referrers"). */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { printable } from "../../core/text.ts";
import type { Descriptor } from "./descriptor.ts";
import type { OciDigest } from "./digest.ts";
import { MAX_HEADER_LENGTH, MAX_MANIFEST_BYTES, MAX_REFERRER_PAGES } from "./limits.ts";
import { manifestsIn } from "./manifest.ts";
import { OCI_INDEX } from "./media_types.ts";
import type { Transport } from "./transport.ts";

/**
 * What registries without the API answer: 404 as the specification says, and others as they are known to. ghcr.io has
 * sent clients on to a page of its owner's.
 */
const NO_API: readonly number[] = [301, 302, 303, 307, 308, 400, 404, 405, 406];

/**
 * The pages of the listing, or undefined when the registry has no such API. The registry may leave out what is of
 * another artifact type; that is known to be right, as it looks at the manifests.
 */
export async function referrerPages(
  transport: Transport,
  subject: OciDigest,
  artifactType: string | undefined,
  options: RunOptions,
): Promise<AsyncIterable<readonly Descriptor[]> | undefined> {
  const first = transport.url(`referrers/${subject}`);
  if (artifactType !== undefined) first.searchParams.set("artifactType", artifactType);
  const page = await fetchPage(transport, first, subject, NO_API, options);
  return page && pagesFrom(transport, first, page, subject, options);
}

type Page = {
  readonly descriptors: readonly Descriptor[];
  readonly next: URL | undefined;
};

async function* pagesFrom(
  transport: Transport,
  first: URL,
  firstPage: Page,
  subject: OciDigest,
  options: RunOptions,
): AsyncGenerator<readonly Descriptor[]> {
  const visited = new Set([first.href]);
  let page = firstPage;
  for (;;) {
    yield page.descriptors;
    const { next } = page;
    if (!next) return;
    if (visited.has(next.href) || visited.size === MAX_REFERRER_PAGES) {
      throw wrongLink(transport, "goes in circles or has too many pages");
    }
    visited.add(next.href);
    const following = await fetchPage(transport, next, subject, [], options);
    if (!following) return;
    page = following;
  }
}

async function fetchPage(
  transport: Transport,
  url: URL,
  subject: OciDigest,
  missing: readonly number[],
  options: RunOptions,
): Promise<Page | undefined> {
  const { status, headers, body } = await transport.request(
    {
      at: url,
      access: "pull",
      what: `list of referrers of ${subject}`,
      headers: { accept: OCI_INDEX },
      statuses: missing,
      within: true,
    },
    MAX_MANIFEST_BYTES,
    options,
  );
  if (missing.includes(status)) return undefined;
  const name = `the list of referrers of ${subject} in ${printable(transport.name)}`;
  const mediaType = headers.get("content-type") ?? undefined;
  const hints = { name, ...(mediaType === undefined ? {} : { mediaType }) };
  return {
    descriptors: manifestsIn(body, hints, options),
    next: nextPage(transport, url, headers.get("link")),
  };
}

/** RFC 8288 3: `<address>; rel="next"`. What leads to another origin is refused, as it would get our credentials. */
function nextPage(transport: Transport, url: URL, link: string | null): URL | undefined {
  if (link === null) return undefined;
  if (link.length > MAX_HEADER_LENGTH) {
    throw wrongLink(transport, "has a next page that is unusable");
  }
  for (const [, target, parameters] of link.matchAll(/<([^<>]*)>((?:[^,"<]|"[^"]*")*)/g)) {
    if (!/;[ \t]*rel[ \t]*=[ \t]*"?next"?[ \t]*(?:;|$)/i.test(parameters!)) continue;
    const next = URL.canParse(target!, url) ? new URL(target!, url) : undefined;
    if (next?.origin !== transport.origin.origin || !next.pathname.startsWith("/v2/")) {
      throw wrongLink(transport, "has a next page at another place");
    }
    return next;
  }
  return undefined;
}

function wrongLink(transport: Transport, found: string): ModelSigningError {
  return new ModelSigningError(
    "NETWORK_RESPONSE",
    `the list of referrers in ${printable(transport.name)} ${found}`,
  );
}
