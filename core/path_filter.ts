/** Which paths of a model are taken, entered or left out. */

import { ancestors } from "./path.ts";

/** Left out at the top level of every model, with what lies below (OMS 3), unless the user says otherwise. */
export const GIT_PATHS: readonly string[] = [".git", ".gitattributes", ".github", ".gitignore"];

/** What to do with a path: take it, enter it only for something listed below it, or leave it out. */
export type PathDecision = "take" | "enter" | "ignore";

/** What a filter is made of. Paths are canonical and relative to the root. */
export type PathFilterSettings = {
  /** Excluded, with their subtrees; matched literally. */
  readonly ignorePaths: Iterable<string>;
  /** Signed files: always taken, whatever `ignorePaths` says (OMS 4). */
  readonly listed?: ReadonlySet<string>;
  /** Leave out what is not listed, silently: unsigned files are forgiven and need no hashing. */
  readonly onlyListed?: boolean;
};

/**
 * Decides path by path, so that every source excludes the same way. Matching is exact and case-sensitive;
 * there are no globs.
 */
export class PathFilter {
  readonly #ignored: ReadonlySet<string>;
  readonly #listed: ReadonlySet<string>;
  readonly #above: ReadonlySet<string>;
  readonly #onlyListed: boolean;

  /** Copies the settings. */
  constructor(settings: PathFilterSettings) {
    this.#ignored = new Set(settings.ignorePaths);
    this.#listed = settings.listed ?? new Set();
    this.#onlyListed = settings.onlyListed ?? false;
    const above = new Set<string>();
    let last = "";
    for (const path of this.#listed) {
      // Listed files come folder by folder, whose ancestors need to be added once.
      const folder = path.slice(0, Math.max(path.lastIndexOf("/"), 0));
      if (folder === last) continue;
      last = folder;
      for (const ancestor of ancestors(path)) above.add(ancestor);
    }
    this.#above = above;
  }

  /**
   * The decision for one path.
   *
   * @param inIgnored true when an ancestor is excluded by a rule
   */
  decide(path: string, inIgnored: boolean): PathDecision {
    if (this.#listed.has(path)) return "take";
    if (!this.#onlyListed && !inIgnored && !this.#ignored.has(path)) return "take";
    return this.#above.has(path) ? "enter" : "ignore";
  }

  /** For sources that list paths without walking: the path itself or the ancestor at which it is left out. */
  leftOut(path: string): string | undefined {
    let inIgnored = false;
    for (const step of [...ancestors(path), path]) {
      const decision = this.decide(step, inIgnored);
      if (decision === "ignore") return step;
      inIgnored ||= decision !== "take";
    }
    return undefined;
  }

  /** Whether the report should name this path: it is excluded by a rule, not merely unlisted. */
  names(path: string): boolean {
    return this.#ignored.has(path);
  }
}
