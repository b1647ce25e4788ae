/** Reads what the user wrote after `--ignore-paths`. */

import path from "node:path";
import { ModelSigningError } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import { pathProblem } from "../../core/path.ts";
import { quote } from "../../core/text.ts";
import { components, isRooted } from "./paths.ts";
import {
  asListed,
  exists,
  type ModelRoot,
  physicalName,
  physicalPath,
  toAbsolute,
  writtenName,
} from "./root.ts";

/**
 * The name inside the model that an ignore path stands for; undefined, with a warning, for one outside, which leaves
 * nothing out. Scripts for the Python tool have such paths: it takes them, and records nothing either.
 *
 * A relative path is read from the model's root. When nothing is there, it is read from the current folder,
 * as the Python tool does, and the log says so. A path that exists in neither place is taken from the
 * model's root, so that the signed `ignore_paths` do not depend on what lies elsewhere.
 *
 * @throws {ModelSigningError} `USAGE_IGNORE_PATH`
 */
export function readIgnorePath(
  typed: string,
  root: ModelRoot,
  cwd: string,
  logger: Logger | undefined,
): string | undefined {
  if (typed === "") throw refusal("an ignore path is empty");
  // A single file has nothing in it that a relative path could be about.
  if (root.singleFile || isRooted(typed, path)) {
    const absolute = toAbsolute(typed, cwd);
    const name = located(typed, absolute, root);
    if (name === undefined || root.singleFile) return tellOutside(typed, logger);
    if (exists(absolute) === false) tellAbsent(name, logger);
    return name;
  }

  const parts = components(typed, path);
  if (parts.length === 0) throw itself(typed);
  const fromModel = parts.includes("..") ? undefined : path.join(root.path, ...parts);
  const fromFolder = toAbsolute(typed, cwd);
  const inModel = fromModel !== undefined && present(typed, fromModel);
  const inFolder = present(typed, fromFolder);
  if (inModel && inFolder && physicalPath(fromModel) !== physicalPath(fromFolder)) {
    throw refusal(
      `ignore path ${quote(typed)} is ambiguous: it exists in the model and in the current folder`,
      `write the absolute path: ${quote(fromModel)}`,
    );
  }
  if (fromModel === undefined || (inFolder && !inModel)) {
    const name = located(typed, fromFolder, root);
    if (name === undefined) return tellOutside(typed, logger);
    logger?.log("info", "the model has no such path, so it was read from the current folder", {
      path: typed,
      ignored: name,
    });
    return name;
  }
  const name = asListed(root, parts.join("/"));
  if (!inModel) tellAbsent(name, logger);
  return checked(typed, name);
}

/** Undefined when it lies outside the model. */
function located(typed: string, absolute: string, root: ModelRoot): string | undefined {
  const name = writtenName(root, absolute) ?? physicalName(root, absolute);
  if (name === undefined) return undefined;
  if (name === "") throw itself(typed);
  return checked(typed, name);
}

function checked(typed: string, name: string): string {
  const problem = pathProblem(name);
  if (problem !== undefined) throw refusal(`ignore path ${quote(typed)} ${problem}`);
  return name;
}

function tellOutside(typed: string, logger: Logger | undefined): undefined {
  logger?.log("warn", "an ignore path lies outside the model, so it leaves nothing out", {
    path: typed,
  });
}

function tellAbsent(name: string, logger: Logger | undefined): void {
  const remark = /[*?]/.test(name) ? "; wildcards are not expanded" : "";
  logger?.log("warn", `an ignore path does not exist in the model${remark}`, { path: name });
}

/** Like `exists()`; when the system does not tell, the reading would be a guess. */
function present(typed: string, absolute: string): boolean {
  const answer = exists(absolute);
  if (answer === undefined) {
    throw refusal(
      `cannot tell whether ignore path ${quote(typed)} exists at ${quote(absolute)}`,
      "write the absolute path",
    );
  }
  return answer;
}

function itself(typed: string): ModelSigningError {
  return refusal(
    `ignore path ${quote(typed)} is the whole model`,
    "name a path inside the model",
  );
}

function refusal(message: string, hint?: string): ModelSigningError {
  return new ModelSigningError("USAGE_IGNORE_PATH", message, hint === undefined ? {} : { hint });
}
