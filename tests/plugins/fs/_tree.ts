/** Real files for tests. */

import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { LogFields, Logger } from "../../../core/logger.ts";
import { compareCodePoints } from "../../../core/path.ts";
import { PathFilter, type PathFilterSettings } from "../../../core/path_filter.ts";
import type { Entry, EnumerationRules, ManifestSource } from "../../../core/source.ts";

/** What lies in a folder: text, bytes, another folder, or `{ link: target }`. */
export type Tree = { readonly [name: string]: string | Uint8Array | Tree | Link };
export class Link {
  readonly target: string;
  constructor(target: string) {
    this.target = target;
  }
}

/** Makes a tree in a fresh folder, runs `use` with its path (free of links) and removes it. */
export async function withTree(tree: Tree, use: (folder: string) => unknown): Promise<void> {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), "model-signing-")));
  try {
    plant(folder, tree);
    await use(folder);
  } finally {
    // Unlike rmSync(), it removes trees whose paths are too long to open.
    execFileSync("rm", ["-rf", folder]);
  }
}

function plant(folder: string, tree: Tree): void {
  for (const [name, content] of Object.entries(tree)) {
    const file = path.join(folder, name);
    if (content instanceof Link) symlinkSync(content.target, file);
    else if (typeof content === "string" || content instanceof Uint8Array) {
      writeFileSync(file, content);
    } else {
      mkdirSync(file);
      plant(file, content);
    }
  }
}

export function makeFifo(file: string): void {
  execFileSync("mkfifo", [file]);
}

export type Listing = PathFilterSettings & Omit<EnumerationRules, "filter">;

export function rules(listing: Partial<Listing> = {}): EnumerationRules {
  const { ignorePaths = [], listed, onlyListed, ...rest } = listing;
  const filter = new PathFilter({
    ignorePaths,
    ...(listed ? { listed } : {}),
    ...(onlyListed ? { onlyListed } : {}),
  });
  return { allowSymlinks: false, ...rest, filter };
}

/** Entries in code point order. */
export async function entriesOf(
  source: ManifestSource,
  listing: Partial<Listing> = {},
  logger?: Logger,
): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of source.entries(rules(listing), logger ? { logger } : {})) {
    entries.push(entry);
  }
  return entries.sort((a, b) => compareCodePoints(a.path, b.path));
}

/** Entries as lines: `file a/b`, `ignored c`, `ENTRY_SYMLINK d`. */
export async function linesOf(
  source: ManifestSource,
  listing: Partial<Listing> = {},
  logger?: Logger,
): Promise<string[]> {
  return (await entriesOf(source, listing, logger)).map((entry) =>
    `${entry.kind === "refused" ? entry.issue.code : entry.kind} ${entry.path}`
  );
}

/** A logger that keeps its lines. */
export class Log implements Logger {
  readonly lines: { level: string; fields: LogFields }[] = [];
  log(level: string, _message: string, fields: LogFields = {}): void {
    this.lines.push({ level, fields });
  }
}

/** Checks the code of a fault; for `assert.rejects` and `assert.throws`. */
export function code(expected: string): (error: unknown) => boolean {
  return (error) => (error as { code?: unknown }).code === expected;
}
