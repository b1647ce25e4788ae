/** Enumerates a directory by the rules of OMS 3. */

import { lstatSync, readdirSync, realpathSync, type Stats } from "node:fs";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import {
  type Issue,
  type IssueCode,
  ModelSigningError,
  systemCode,
  systemReason,
  throwIfAborted,
} from "../../core/errors.ts";
import { MAX_DIRECTORY_DEPTH, MAX_PATH_BYTES, MAX_RESOURCES } from "../../core/limits.ts";
import type { RunOptions } from "../../core/options.ts";
import { pathProblem } from "../../core/path.ts";
import type { Entry, EnumerationRules } from "../../core/source.ts";
import { quote } from "../../core/text.ts";
import { FileEntry, locationOf } from "../_file/mod.ts";
import { join, nameInside } from "./paths.ts";
import { fileKind, rootFault } from "./root.ts";

/**
 * Time in ms that system calls may take before other tasks get a turn. They are synchronous because a
 * promise for each costs several times the call itself.
 */
const BURST_MS = 10;

/** How many names are visited between two looks at the clock: fewer than fit into a burst. */
const NAMES_PER_LOOK = 64;

/** A directory under way. */
type Directory = {
  /** Absolute, free of links. */
  readonly path: string;
  /** What its entries' names in the model begin with: empty, or ending in `/`. */
  readonly prefix: string;
  readonly names: readonly string[];
  /** Index of the name to visit next. */
  next: number;
  /** It or a directory above is excluded by a rule, and entered only for what is listed below. */
  readonly excluded: boolean;
};

/**
 * Lists the entries below `root`, an absolute path free of links, directory by directory, each in the order
 * of its sorted names.
 */
export async function* walk(
  root: string,
  rules: EnumerationRules,
  options: RunOptions,
): AsyncGenerator<Entry, void, void> {
  throwIfAborted(options.signal);
  const walker = new Walker(root, rules, options);
  let burstStart = performance.now();
  for (let count = 1; walker.busy; count++) {
    if (count % NAMES_PER_LOOK === 0 && performance.now() - burstStart > BURST_MS) {
      await setImmediate();
      burstStart = performance.now();
    }
    throwIfAborted(options.signal);
    for (const entry of walker.step()) yield entry;
  }
}

/** The one entry of a model that is a file; undefined when the filter leaves it out unnamed. */
export function singleFileEntry(
  file: string,
  name: string,
  rules: EnumerationRules,
): Entry | undefined {
  if (rules.filter.decide(name, false) !== "take") {
    return rules.filter.names(name) ? { kind: "ignored", path: name } : undefined;
  }
  const problem = pathProblem(name, rules.windowsNames);
  if (problem !== undefined) return refused(name, "ENTRY_NAME", problem);
  let stats: Stats;
  try {
    stats = lstatSync(file);
  } catch (error) {
    throw rootFault(error, file);
  }
  if (!stats.isFile()) return irregular(name, stats);
  return new FileEntry(name, stats.size, locationOf(file, stats));
}

/** Walks without recursion, so that a deep tree costs memory and not stack. */
class Walker {
  readonly #root: string;
  readonly #rules: EnumerationRules;
  readonly #options: RunOptions;
  /** From the root to the directory under way. */
  readonly #open: Directory[] = [];
  /** Paths of {@link #open}: a directory that is entered again below itself is a cycle. */
  readonly #openPaths = new Set<string>();
  /** What the current step found. */
  #found: Entry[] = [];
  #visited = 0;

  constructor(root: string, rules: EnumerationRules, options: RunOptions) {
    this.#root = root;
    this.#rules = rules;
    this.#options = options;
    let names: string[];
    try {
      names = readdirSync(root);
    } catch (error) {
      throw rootFault(error, root);
    }
    this.#push(root, "", names, false);
  }

  /** Whether there is more to visit. */
  get busy(): boolean {
    return this.#open.length > 0;
  }

  /** Visits one name and gives what there is to say about it: mostly one entry. */
  step(): readonly Entry[] {
    const directory = this.#open.at(-1)!;
    const name = directory.names[directory.next++];
    if (name === undefined) {
      this.#open.pop();
      this.#openPaths.delete(directory.path);
      return [];
    }
    this.#found = [];
    this.#visit(directory, name);
    return this.#found;
  }

  #visit(directory: Directory, name: string): void {
    const entryPath = directory.prefix + name;
    const decision = this.#rules.filter.decide(entryPath, directory.excluded);
    const named = !directory.excluded && this.#rules.filter.names(entryPath);
    if (named && decision !== "take") this.#found.push({ kind: "ignored", path: entryPath });
    if (decision === "ignore") return;
    // Links to directories can make a small folder endless without a cycle: two links each, level by level.
    if (++this.#visited > MAX_RESOURCES) {
      throw new ModelSigningError(
        "MODEL_REFUSED",
        `the model has more than ${MAX_RESOURCES} entries`,
        { hint: "exclude what need not be signed" },
      );
    }
    // The directory's own name has passed, so this component and the whole length are all that is new.
    const long = entryPath.length * 3 > MAX_PATH_BYTES;
    const problem = pathProblem(long ? entryPath : name, this.#rules.windowsNames);
    if (problem !== undefined) return this.#refuse(entryPath, "ENTRY_NAME", problem);

    let target = join(directory.path, name, path);
    let stats: Stats;
    try {
      stats = lstatSync(target);
    } catch (error) {
      return this.#unreadable(entryPath, error);
    }
    if (stats.isSymbolicLink()) {
      if (!this.#rules.allowSymlinks) {
        return this.#refuse(
          entryPath,
          "ENTRY_SYMLINK",
          "is a symbolic link, and links are not allowed",
        );
      }
      try {
        target = realpathSync.native(target);
        stats = lstatSync(target);
      } catch (error) {
        return this.#brokenLink(entryPath, error);
      }
      this.#tellTarget(entryPath, target);
    }
    if (stats.isDirectory()) {
      // Listed as a file, excluded, and now a directory: what lies below is excluded all the same.
      if (named && decision === "take") this.#found.push({ kind: "ignored", path: entryPath });
      this.#enter(target, entryPath, directory.excluded || named);
    } else if (decision === "take") {
      this.#found.push(
        stats.isFile()
          ? new FileEntry(entryPath, stats.size, locationOf(target, stats))
          : irregular(entryPath, stats),
      );
    }
  }

  #enter(directory: string, entryPath: string, excluded: boolean): void {
    if (this.#openPaths.has(directory)) {
      return this.#refuse(
        entryPath,
        "ENTRY_SYMLINK_CYCLE",
        `leads back to ${quote(directory)}, which contains it`,
      );
    }
    if (this.#open.length > MAX_DIRECTORY_DEPTH) {
      return this.#refuse(
        entryPath,
        "ENTRY_TOO_DEEP",
        `lies deeper than ${MAX_DIRECTORY_DEPTH} directories`,
      );
    }
    let names: string[];
    try {
      names = readdirSync(directory);
    } catch (error) {
      return this.#unreadable(entryPath, error);
    }
    this.#push(directory, `${entryPath}/`, names, excluded);
  }

  #push(directory: string, prefix: string, names: string[], excluded: boolean): void {
    this.#openPaths.add(directory);
    this.#open.push({ path: directory, prefix, names: names.sort(), next: 0, excluded });
  }

  #tellTarget(entryPath: string, target: string): void {
    if (nameInside(this.#root, target, path) !== undefined) return;
    this.#options.logger?.log("warn", "a symbolic link leads out of the model", {
      path: entryPath,
      target,
    });
  }

  #brokenLink(entryPath: string, error: unknown): void {
    const code = systemCode(error);
    if (code === "ELOOP") {
      this.#refuse(
        entryPath,
        "ENTRY_SYMLINK_CYCLE",
        "is a symbolic link that leads back to itself",
      );
    } else if (code === "ENOENT" || code === "ENOTDIR") {
      this.#refuse(
        entryPath,
        "ENTRY_SYMLINK_DANGLING",
        "is a symbolic link whose target does not exist",
      );
    } else {
      this.#unreadable(entryPath, error);
    }
  }

  #unreadable(entryPath: string, error: unknown): void {
    const code = systemCode(error);
    // Linux opens no path above 4096 bytes, which a tree reaches before it has the limit's directories.
    if (code === "ENAMETOOLONG") {
      this.#refuse(entryPath, "ENTRY_TOO_DEEP", "lies deeper than the system can open");
    } else {
      this.#refuse(entryPath, "ENTRY_UNREADABLE", `cannot be read: ${systemReason(error)}`);
    }
  }

  #refuse(entryPath: string, code: IssueCode, problem: string): void {
    this.#found.push(refused(entryPath, code, problem));
  }
}

function irregular(entryPath: string, stats: Stats): Entry {
  return refused(entryPath, "ENTRY_NOT_REGULAR", `is ${fileKind(stats)}, expected a regular file`);
}

function refused(entryPath: string, code: IssueCode, problem: string): Entry {
  const issue: Issue = { code, message: `${quote(entryPath)} ${problem}`, path: entryPath };
  return { kind: "refused", path: entryPath, issue };
}
