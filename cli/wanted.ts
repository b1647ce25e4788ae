/** Which plugins a command line needs besides those that are there already. */

import type { Registry } from "../core/mod.ts";
import { BUILTIN_COMMANDS, PROVIDER_ID } from "./mistakes.ts";
import type { PluginArguments } from "./plugin_arguments.ts";

/**
 * Whether the configured plugins have to be loaded: for `plugin list`, and for a command, a method, a source or a witness
 * that nobody provides yet. Other runs are none of theirs, and do not fail when one of them is broken.
 */
export function wantsMore(given: PluginArguments, registry: Registry): boolean {
  const { words, textOnly } = given;
  const [first = ""] = words;
  if (textOnly || listsPlugins(given)) return true;
  if (first === "plugin") return false;
  const isOurs = BUILTIN_COMMANDS.includes(first) || registry.find("command", first) !== undefined;
  return !isOurs || wantedMethod(given, registry) !== undefined || given.witness ||
    words.some((word) => {
      const [, scheme = ""] = /^([a-z][a-z0-9-]+):/.exec(word) ?? [];
      return scheme !== "" && registry.find("source", scheme) === undefined;
    });
}

/** Whether every plugin is to be told of, also one that cannot be used. */
export function listsPlugins({ words: [first, second] }: PluginArguments): boolean {
  return first === "plugin" && second === "list";
}

/** Whether help or a completion may name any method: programs that are installed are told of, if they are known. */
export function listsMethods(given: PluginArguments): boolean {
  const [first, , third] = wordsOf(given);
  return given.textOnly && (first === "sign" || first === "verify") && third === undefined;
}

/** The second word of `sign NAME MODEL` and `verify NAME MODEL`, when no method has that name: that of a program. */
export function wantedMethod(given: PluginArguments, registry: Registry): string | undefined {
  const [first, second = "", third] = wordsOf(given);
  const kind = first === "sign" ? "signer" : first === "verify" ? "verifier" : undefined;
  if (kind === undefined || !PROVIDER_ID.test(second) || registry.find(kind, second)) {
    return undefined;
  }
  // A single word behind `sign` is the model; for help there is none.
  return third === undefined && !given.textOnly ? undefined : second;
}

/** The words of the command, without `help` or `completion SHELL` before them. */
function wordsOf({ words, textOnly }: PluginArguments): readonly string[] {
  const before = !textOnly ? 0 : words[0] === "help" ? 1 : words[0] === "completion" ? 2 : 0;
  return words.slice(before);
}
