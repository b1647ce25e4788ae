/**
 * What `trust update` fetched: one file for each repository, with everything that it takes to verify it again.
 *
 * Being one file, it is replaced as a whole: a reader sees the old state or the new one, also when the machine
 * stops in between, and also beside another update.
 */

import { Buffer } from "node:buffer";
import { mkdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ModelSigningError, systemCode, systemReason } from "../../../core/errors.ts";
import { writeFileAtomically } from "../../../core/files.ts";
import { quote } from "../../../core/text.ts";
import { readCapped } from "../../_input/mod.ts";
import { MemberError, numberOf, objectOf, textOf, timeOf } from "../members.ts";
import { fromTrustFile, parseTrustJson } from "../trusted_root.ts";

/** A repository's files as they were fetched. Nothing is verified. */
export type CachedRepository = {
  /** Where they are from. */
  readonly url: string;
  readonly fetched: Date;
  /** Of the targets metadata, to see at a glance whether the rest is of interest. */
  readonly version: number;
  /** By name in the repository. */
  readonly files: ReadonlyMap<string, Uint8Array>;
};

/** Bytes of a cache file. Sigstore's has 30 KB, and the limits on the files in it come to 10 MB without the roots. */
const MAX_CACHE_BYTES: number = 32 * 1024 * 1024;

/** Says which shape the file has; another one is not read. */
const FORMAT = "model-signing TUF cache 1";

/** The file of one repository. */
export function cachePath(folder: string, id: string): string {
  return join(folder, "sigstore", `${id}.json`);
}

/**
 * Reads a repository's files, or gives undefined when there are none.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `TRUST_MALFORMED`
 */
export async function readCache(path: string): Promise<CachedRepository | undefined> {
  const facts = await stat(path).catch((error) => {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
    throw new ModelSigningError(
      "FILE_UNREADABLE",
      `cannot read TUF cache ${quote(path)}: ${systemReason(error)}`,
      { cause: error },
    );
  });
  if (!facts) return undefined;
  // Opening a FIFO would wait for a writer.
  if (!facts.isFile()) {
    throw new ModelSigningError(
      "FILE_UNREADABLE",
      `cannot read TUF cache ${quote(path)}: it is not a regular file`,
    );
  }
  const bytes = await readCapped(path, "TUF cache", MAX_CACHE_BYTES);
  return fromTrustFile(path, () => {
    const cache = objectOf(parseTrustJson(bytes), "the cache");
    if (cache["format"] !== FORMAT) throw new MemberError(`its format is not ${quote(FORMAT)}`);
    const files = Object.entries(objectOf(cache["files"], "files")).map(([file, text]) =>
      [file, new Uint8Array(Buffer.from(textOf(text, `files[${quote(file)}]`)))] as const
    );
    return {
      url: textOf(cache["url"], "url"),
      fetched: timeOf(cache["fetched"], "fetched"),
      version: numberOf(cache["version"], "version"),
      files: new Map(files),
    };
  });
}

/**
 * Replaces a repository's files. A symbolic link in the file's place is replaced, not followed.
 *
 * @throws {ModelSigningError} `FILE_UNWRITABLE`; `TRUST_REFUSED` for more than {@link readCache} would read
 */
export async function writeCache(path: string, cached: CachedRepository): Promise<void> {
  // Files of TUF are JSON, so UTF-8: as text they can be read by people too.
  const files = [...cached.files].map(([file, bytes]) => [file, Buffer.from(bytes).toString()]);
  const json = JSON.stringify(
    {
      format: FORMAT,
      url: cached.url,
      fetched: cached.fetched.toISOString(),
      version: cached.version,
      files: Object.fromEntries(files),
    },
    undefined,
    1,
  );
  const bytes = Buffer.from(`${json}\n`);
  if (bytes.length > MAX_CACHE_BYTES) {
    throw new ModelSigningError(
      "TRUST_REFUSED",
      `the TUF repository's files have ${bytes.length} bytes, more than the limit of ${MAX_CACHE_BYTES}`,
    );
  }
  try {
    // What is in it is public. Others must not change it, though it would be noticed.
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new ModelSigningError(
      "FILE_UNWRITABLE",
      `cannot make folder ${quote(dirname(path))}: ${systemReason(error)}`,
      { cause: error },
    );
  }
  await writeFileAtomically(path, bytes);
}
