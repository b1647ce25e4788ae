/** Listing referrers under a tag, where the registry does not list them (OCI distribution 1.1, "Referrers Tag Schema"). */

import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { printable } from "../../core/text.ts";
import type { Descriptor } from "./descriptor.ts";
import { digestOf, type OciDigest, splitDigest } from "./digest.ts";
import { exclusively } from "./exclusive.ts";
import { EMPTY_INDEX, withDescriptor } from "./index_json.ts";
import { MAX_IDLE_BYTES, MAX_INDEX_ATTEMPTS, MAX_MANIFEST_BYTES } from "./limits.ts";
import { manifestsIn, parseIndex } from "./manifest.ts";
import { OCI_INDEX } from "./media_types.ts";
import { referrersTag } from "./referrer_list.ts";
import type { Transport } from "./transport.ts";

/** The longest pause before a second attempt; doubled each time, and a random part of it is waited. */
const FIRST_PAUSE_MS = 200;

/**
 * How long the list is left alone before it is read again, in times of what reading and replacing it took: who has read
 * it before us, from a place like ours, has replaced it by then.
 */
const SETTLING = 3;

/** The shortest time that is, in ms: two processes on loopback need it. */
const MIN_SETTLING_MS = 200;

/** The longest of all waits, in ms. */
const MAX_PAUSE_MS = 3000;

/** What is listed; nothing when there is no such index. */
export async function fallbackReferrers(
  transport: Transport,
  subject: OciDigest,
  options: RunOptions,
): Promise<readonly Descriptor[]> {
  const index = await readIndex(transport, subject, options);
  return index ? manifestsIn(index.bytes, { name: indexName(transport, subject) }, options) : [];
}

/**
 * Adds a descriptor, whoever else adds theirs: the index is replaced only if it is the one that was read, as far as
 * the registry minds (`If-Match`). For those that do not, and distribution 2.8 is one, one goes after the other within
 * this process, and the list is read again when the others should have replaced it who had read the same one.
 *
 * @throws {ModelSigningError} `OCI_MANIFEST`, `NETWORK_RESPONSE` when others always come first, and what requests throw
 */
export async function addFallbackReferrer(
  transport: Transport,
  subject: OciDigest,
  descriptor: Descriptor,
  options: RunOptions,
): Promise<void> {
  const name = indexName(transport, subject);
  const listed = (index: Index | undefined) =>
    index !== undefined &&
    parseIndex(index.bytes, { name }).manifests.some(({ digest }) => digest === descriptor.digest);
  const place = `${transport.origin.href} ${transport.name} ${subject}`;
  await exclusively(place, async () => {
    for (let attempt = 0; attempt < MAX_INDEX_ATTEMPTS; attempt++) {
      const start = performance.now();
      const before = await readIndex(transport, subject, options);
      if (listed(before)) return;
      const bytes = withDescriptor(before?.bytes ?? EMPTY_INDEX, descriptor, name);
      if (await writeIndex(transport, subject, bytes, before, options)) {
        await pause(settlingTime(performance.now() - start), options);
        if (listed(await readIndex(transport, subject, options))) return;
      }
      await pause(randomInt(Math.min(FIRST_PAUSE_MS * 2 ** attempt, MAX_PAUSE_MS)), options);
    }
    throw new ModelSigningError(
      "NETWORK_RESPONSE",
      `${name} was changed by others ${MAX_INDEX_ATTEMPTS} times in a row`,
      { hint: `${descriptor.digest} is in the registry, but not listed: try again` },
    );
  });
}

function settlingTime(elapsed: number): number {
  return Math.min(Math.max(SETTLING * elapsed, MIN_SETTLING_MS), MAX_PAUSE_MS);
}

async function pause(ms: number, { signal }: RunOptions): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => throwIfAborted(signal));
}

type Index = {
  readonly bytes: Uint8Array;
  /** What `If-Match` takes, if the registry tells. */
  readonly etag: string | null;
};

async function readIndex(
  transport: Transport,
  subject: OciDigest,
  options: RunOptions,
): Promise<Index | undefined> {
  const { status, headers, body } = await transport.request(
    {
      at: `manifests/${referrersTag(subject)}`,
      access: "pull",
      what: `list of referrers of ${subject}`,
      headers: { accept: OCI_INDEX },
      statuses: [404],
    },
    MAX_MANIFEST_BYTES,
    options,
  );
  if (status === 404) return undefined;
  // GitLab takes the tag for the digest that it is made of.
  if (digestOf(body, splitDigest(subject).algorithm) === subject) {
    return { bytes: EMPTY_INDEX, etag: headers.get("etag") };
  }
  const said = headers.get("docker-content-digest");
  if (said?.startsWith("sha256:") && said !== digestOf(body)) {
    throw new ModelSigningError(
      "OCI_DIGEST_MISMATCH",
      `${indexName(transport, subject)} has the digest ${
        digestOf(body)
      }, not the one that it was sent with`,
    );
  }
  return { bytes: body, etag: headers.get("etag") };
}

/** Gives false, and has done nothing, when the index is not the one that was read, or not missing any more. */
async function writeIndex(
  transport: Transport,
  subject: OciDigest,
  bytes: Uint8Array,
  before: Index | undefined,
  options: RunOptions,
): Promise<boolean> {
  const condition: Record<string, string> = before
    ? before.etag === null ? {} : { "if-match": before.etag }
    : { "if-none-match": "*" };
  const { status } = await transport.request(
    {
      method: "PUT",
      at: `manifests/${referrersTag(subject)}`,
      access: "pull,push",
      what: `list of referrers of ${subject}`,
      headers: { "content-type": OCI_INDEX, ...condition },
      body: bytes,
      // RFC 9110 13.1: the condition does not hold.
      statuses: [412],
    },
    MAX_IDLE_BYTES,
    options,
  );
  return status !== 412;
}

function indexName(transport: Transport, subject: OciDigest): string {
  return `the list of referrers ${referrersTag(subject)} in ${printable(transport.name)}`;
}
