/** Which plugins a command line needs besides those that are there already. */

import type { Registry } from "../core/mod.ts";
import { BUILTIN_COMMANDS } from "./mistakes.ts";
import type { PluginArguments } from "./plugin_arguments.ts";

/** What could be the id of a provider. */
const ID = /^[a-z][a-z0-9]*(?:-[a-z0-9]+)*$/;

/**
 * Whether the configured plugins have to be loaded: for `plugin list`, and for a command, a method, a source or a witness
 * that nobody provides yet. Other runs are none of theirs, and do not fail when one of them is broken.
 */
export function wantsMore(given: PluginArguments, registry: Registry): boolean {
  const { words, textOnly } = given;
  const [first = "", second = ""] = words;
  if (textOnly || (first === "plugin" && second === "list")) return true;
  if (first === "plugin") return false;
  const isOurs = BUILTIN_COMMANDS.includes(first) || registry.find("command", first) !== undefined;
  return !isOurs || wantedMethod(given, registry) !== undefined || given.witness ||
    words.some((word) => {
      const [, scheme = ""] = /^([a-z][a-z0-9-]+):/.exec(word) ?? [];
      return scheme !== "" && registry.find("source", scheme) === undefined;
    });
}

/** The program that provides the method of a `sign` or `verify`, if that is what it takes. */
export function wantedExecutables(given: PluginArguments, registry: Registry): readonly string[] {
  const method = wantedMethod(given, registry);
  return method === undefined ? [] : [method];
}

/** The second word of `sign NAME MODEL` and `verify NAME MODEL`, when no method has that name. */
function wantedMethod(
  { words, textOnly }: PluginArguments,
  registry: Registry,
): string | undefined {
  const [first, second = "", third] = textOnly && ["help", "completion"].includes(words[0] ?? "")
    ? words.slice(words[0] === "help" ? 1 : 2)
    : words;
  const kind = first === "sign" ? "signer" : first === "verify" ? "verifier" : undefined;
  if (kind === undefined || !ID.test(second) || registry.find(kind, second)) return undefined;
  // A single word behind `sign` is the model; for help there is none.
  return third === undefined && !textOnly ? undefined : second;
}
