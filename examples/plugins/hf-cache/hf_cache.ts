/**
 * Reads models out of the Hugging Face cache: `hf-cache:ORG/NAME` or `hf-cache:ORG/NAME@REVISION`.
 *
 * A snapshot in the cache is a folder of links into a folder of blobs. This source signs the names of the snapshot and the
 * content of the blobs, and follows no link that leads anywhere else. A plugin for model-signing, as one file without
 * dependencies. See README.md.
 */

import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { lstat, open, readdir, readFile, readlink, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";
import process from "node:process";
import type {
  ByteRange,
  Entry,
  EnumerationRules,
  ManifestSource,
  Plugin,
  PluginHost,
  RunOptions,
  Settings,
} from "../../../mod.ts";

/** `NAME`, or `ORG/NAME` (huggingface_hub, `validate_repo_id`), and a branch, tag, or commit behind `@`. */
const REFERENCE =
  /^hf-cache:((?:[A-Za-z0-9][\w.-]{0,95}\/)?[A-Za-z0-9][\w.-]{0,95})(?:@([A-Za-z0-9][\w./-]{0,254}))?$/;

/** A commit, as snapshots are named. */
const COMMIT = /^[0-9a-f]{40}$/;

/** A blob is called by git's SHA-1 of it, or by the SHA-256 of its content when it is a large file. */
const BLOB = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** Bytes read at once. */
const CHUNK = 256 * 1024;

/** The plugin. */
export default function hfCache(host: PluginHost): Plugin {
  return {
    name: "hf-cache",
    version: "1.0.0",
    contract: host.contract,
    providers: [{
      kind: "source",
      id: "hf-cache",
      summary: "a model in the Hugging Face cache: hf-cache:ORG/NAME, with @REVISION",
      options: [{
        name: "hf-cache-dir",
        type: "directory",
        metavar: "FOLDER",
        description: "the cache; by default HF_HUB_CACHE, HF_HOME/hub, or ~/.cache/huggingface/hub",
        fromEnvironment: false,
      }],
      async open(reference, settings, { signal }) {
        host.throwIfAborted(signal);
        return { source: await openSnapshot(host, reference, cacheFolder(host, settings)) };
      },
    }],
  };
}

function cacheFolder(host: PluginHost, settings: Settings): string {
  const given = host.textSetting(settings, "hf-cache-dir");
  if (given !== undefined) return resolve(given);
  const { HF_HUB_CACHE: hub, HF_HOME: home } = process.env;
  // A relative one would be found in the current folder.
  if (hub !== undefined && isAbsolute(hub)) return hub;
  if (home !== undefined && isAbsolute(home)) return join(home, "hub");
  return join(homedir(), ".cache", "huggingface", "hub");
}

async function openSnapshot(
  host: PluginHost,
  reference: string,
  cache: string,
): Promise<ManifestSource> {
  const [, id, revision = "main"] = REFERENCE.exec(reference) ?? [];
  if (
    id === undefined || /\.\.|--/.test(id) || revision.split("/").some((part) => /^\.*$/.test(part))
  ) {
    throw new host.ModelSigningError(
      "USAGE",
      `${host.excerpt(reference)} is no model of the cache, expected hf-cache:ORG/NAME@REVISION`,
    );
  }
  const folder = join(cache, `models--${id.replace("/", "--")}`);
  const commit = COMMIT.test(revision) ? revision : await commitOf(host, folder, revision);
  const snapshot = join(folder, "snapshots", commit);
  const facts = await lstat(snapshot).catch(() => undefined);
  if (!facts?.isDirectory()) {
    throw new host.ModelSigningError(
      "MODEL_NOT_FOUND",
      `the cache ${host.quote(cache)} has no ${host.quote(`${id}@${revision}`)}`,
      { hint: `download it: huggingface-cli download ${id} --revision ${revision}` },
    );
  }
  return {
    name: id.split("/").at(-1)!,
    singleFile: false,
    ignorePaths: [],
    // A snapshot holds what was uploaded, also .gitattributes.
    ignoreGitPaths: false,
    entries: (rules, options) =>
      new Snapshot(host, snapshot, join(folder, "blobs")).entries(rules, options),
  };
}

/** The commit that a branch or tag stands for. */
async function commitOf(host: PluginHost, folder: string, revision: string): Promise<string> {
  const file = join(folder, "refs", ...revision.split("/"));
  const facts = await lstat(file).catch(() => undefined);
  const text = facts?.isFile() && facts.size <= 64 ? (await readFile(file, "utf8")).trim() : "";
  if (COMMIT.test(text)) return text;
  throw new host.ModelSigningError(
    "MODEL_NOT_FOUND",
    `the cache ${host.quote(folder)} knows no revision ${host.quote(revision)}`,
    { hint: "give the commit behind @, as the folder snapshots names it" },
  );
}

/** A snapshot: folders, and links into the blobs. */
class Snapshot {
  readonly #host: PluginHost;
  readonly #root: string;
  readonly #blobs: string;

  constructor(host: PluginHost, root: string, blobs: string) {
    this.#host = host;
    this.#root = root;
    this.#blobs = blobs;
  }

  async *entries(rules: EnumerationRules, options: RunOptions): AsyncGenerator<Entry> {
    this.#host.throwIfAborted(options.signal);
    // Once, so that a link in the way of the cache itself does no harm.
    const blobs = await realpath(this.#blobs).catch(() => this.#blobs);
    yield* this.#folder("", false, blobs, rules, options);
  }

  async *#folder(
    folder: string,
    inIgnored: boolean,
    blobs: string,
    rules: EnumerationRules,
    options: RunOptions,
  ): AsyncGenerator<Entry> {
    const names = (await readdir(join(this.#root, folder))).sort(this.#host.compareCodePoints);
    for (const name of names) {
      this.#host.throwIfAborted(options.signal);
      const path = folder === "" ? name : `${folder}/${name}`;
      const decision = rules.filter.decide(path, inIgnored);
      if (decision === "ignore") {
        if (rules.filter.names(path)) yield { kind: "ignored", path };
        continue;
      }
      const problem = this.#host.pathProblem(path, rules.windowsNames);
      if (problem !== undefined) {
        yield refused(path, "ENTRY_NAME", `the name ${this.#host.quote(path)} ${problem}`);
        continue;
      }
      const facts = await lstat(join(this.#root, path));
      if (facts.isDirectory()) {
        yield* this.#folder(path, decision !== "take", blobs, rules, options);
      } else if (decision === "take") yield await this.#file(path, facts, blobs);
      else if (rules.filter.names(path)) yield { kind: "ignored", path };
    }
  }

  async #file(path: string, facts: Stats, blobs: string): Promise<Entry> {
    const shown = this.#host.quote(path);
    // Where links are not to be had, such as on Windows, the cache holds copies.
    if (facts.isFile()) return fileEntry(path, join(this.#root, path), facts);
    if (!facts.isSymbolicLink()) {
      return refused(path, "ENTRY_NOT_REGULAR", `${shown} is neither a file nor a link to a blob`);
    }
    const link = join(this.#root, path);
    const target = resolve(dirname(link), await readlink(link));
    const blob = join(await realpath(dirname(target)).catch(() => dirname(target)), base(target));
    if (dirname(blob) !== blobs || !BLOB.test(base(blob))) {
      return refused(
        path,
        "ENTRY_SYMLINK",
        `${shown} leads to ${this.#host.excerpt(target)}, which is no blob of this model`,
      );
    }
    const found = await lstat(blob).catch(() => undefined);
    if (found === undefined) {
      return refused(path, "ENTRY_SYMLINK_DANGLING", `the blob of ${shown} is missing`);
    }
    // Also when it is a link: then it leads away.
    if (!found.isFile()) {
      return refused(path, "ENTRY_NOT_REGULAR", `the blob of ${shown} is not a regular file`);
    }
    return fileEntry(path, blob, found);
  }
}

function base(path: string): string {
  return path.slice(dirname(path).length + 1);
}

function refused(
  path: string,
  code: Extract<Entry, { kind: "refused" }>["issue"]["code"],
  message: string,
): Entry {
  return { kind: "refused", path, issue: { code, message, path } };
}

/** A file at a place that is no link; for a large file the cache states the SHA-256 by its name. */
function fileEntry(path: string, place: string, facts: Stats): Entry {
  const name = base(place);
  const stated = name.length === 64 && BLOB.test(name) ? name : undefined;
  return {
    kind: "file",
    path,
    size: facts.size,
    location: { path: place, device: facts.dev, inode: facts.ino, modified: facts.mtimeMs },
    ...(stated === undefined ? {} : { expected: { algorithm: "sha256", digest: stated } as const }),
    open: (range, compares = false) =>
      range === undefined
        ? content(place, facts, { start: 0, end: facts.size }, compares ? undefined : stated)
        : content(place, facts, range),
  };
}

/**
 * A part of a file, provided that it is the one that was listed.
 *
 * @param stated the SHA-256 that it must have as a whole, where nobody else compares it
 */
function content(
  place: string,
  facts: Stats,
  { start, end }: ByteRange,
  stated?: string,
): ReadableStream<Uint8Array> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    await using file = await open(place, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
    const now = await file.stat();
    if (now.ino !== facts.ino || now.size !== facts.size || now.mtimeMs !== facts.mtimeMs) {
      throw new Error(`${place} changed after it was listed`);
    }
    const hash = createHash("sha256");
    for (let at = start; at < end;) {
      const buffer = new Uint8Array(Math.min(CHUNK, end - at));
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at);
      if (bytesRead === 0) throw new Error(`${place} became shorter while it was read`);
      at += bytesRead;
      if (stated !== undefined) hash.update(buffer.subarray(0, bytesRead));
      yield buffer.subarray(0, bytesRead);
    }
    if (stated !== undefined && hash.digest("hex") !== stated) {
      throw new Error(`${place} has not the SHA-256 that the cache states`);
    }
  }
  const iterator = chunks();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator.return(undefined);
    },
  }, { highWaterMark: 0 });
}
