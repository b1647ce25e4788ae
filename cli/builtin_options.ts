/** The program's own options. Those of the methods come from their providers. */

import { HASH_TYPES, type LogLevel } from "../core/mod.ts";
import { MAX_JOBS } from "../plugins/mod.ts";
import type { CliOption } from "./option.ts";

/** The values of `--log-level`, from chatty to quiet. */
export const LOG_LEVELS: readonly (LogLevel | "silent")[] = [
  "debug",
  "info",
  "warn",
  "error",
  "silent",
];

/** The values of `--log-format`. */
export const LOG_FORMATS: readonly ("text" | "json")[] = ["text", "json"];

/** Taken by every command. */
export const GLOBAL_OPTIONS: readonly CliOption[] = [
  {
    name: "log-level",
    type: "string",
    metavar: "LEVEL",
    choices: LOG_LEVELS,
    // The Python tool's names. It logs nothing at CRITICAL; an error must be seen here all the same.
    synonyms: { notset: "debug", warning: "warn", critical: "error", fatal: "error" },
    description:
      "What to log: debug, info, warn, error or silent. At error and silent no success text is printed",
    default: "info",
  },
  {
    name: "log-format",
    type: "string",
    metavar: "FORMAT",
    choices: LOG_FORMATS,
    description: "How log lines and errors are written: text or json",
    default: "text",
  },
  {
    name: "output-file",
    type: "file",
    metavar: "FILE",
    description: "Append the log to this file instead of writing it to stderr",
  },
  {
    name: "timeout",
    short: "-t",
    type: "duration",
    metavar: "TIME",
    min: 1,
    description:
      "Longest wait for one answer, from you or from a service, such as 90s; never for hashing",
    default: "3m for yours, 1m for a service's",
  },
  {
    name: "json",
    type: "string",
    metavar: "JSON",
    repeatable: true,
    fromEnvironment: false,
    description:
      'Options as a JSON object, given as text, file or - for stdin; "model" stands for MODEL, and so on',
  },
  {
    name: "plugin",
    type: "file",
    metavar: "FILE",
    repeatable: true,
    fromEnvironment: false,
    description: "Load a plugin: an ES module, by its absolute path",
  },
  {
    name: "plugin-exec",
    type: "file",
    metavar: "PROGRAM",
    repeatable: true,
    fromEnvironment: false,
    description: "Use a program as a plugin, by its absolute path",
  },
  {
    name: "plugin-allow",
    type: "string",
    metavar: "WHAT",
    choices: ["model-path"],
    repeatable: true,
    fromEnvironment: false,
    description: "What programs that are plugins may learn if they ask: model-path",
    default: "nothing",
  },
  {
    name: "no-progress",
    type: "boolean",
    description: "Show no progress line",
  },
];

/** How a model is enumerated and hashed, whatever its source. */
export const MODEL_OPTIONS: readonly CliOption[] = [
  {
    name: "ignore-git-paths",
    type: "boolean",
    fromEnvironment: false,
    description: "Leave out .git, .gitignore, .gitattributes and .github at the top of the model",
    default: "on",
  },
  {
    name: "allow-symlinks",
    type: "boolean",
    fromEnvironment: false,
    description: "Follow symbolic links instead of refusing them",
    default: "off",
  },
  {
    name: "jobs",
    type: "integer",
    metavar: "COUNT",
    min: 1,
    max: MAX_JOBS,
    description: `Files and shards hashed at the same time, at most ${MAX_JOBS}`,
    default: "one per processor",
  },
];

/** The same for a model that is signed: its signature says how. */
export const SIGNED_MODEL_OPTIONS: readonly CliOption[] = MODEL_OPTIONS.map((option) => {
  switch (option.name) {
    case "ignore-git-paths":
      return { ...option, description: `${option.description}, unless they are signed` };
    case "allow-symlinks":
      return {
        ...option,
        description:
          "Accept a signature that followed symbolic links; whether they are followed is its to say",
        default: "on",
      };
    default:
      return option;
  }
});

/** Which source a model is read by, when its reference has no scheme. */
export function sourceOption(kinds: readonly string[]): CliOption {
  return {
    name: "source",
    type: "string",
    metavar: "KIND",
    choices: ["file", ...kinds],
    fromEnvironment: false,
    description:
      `What a model without a scheme is: ${["file", ...kinds].join(" or ")}; for a folder, ` +
      "what its signature was made from",
    default: "by its content",
  };
}

/** How digests are made. When verifying, the signature says. */
export const HASH_OPTIONS: readonly CliOption[] = [
  {
    name: "hash-algorithm",
    type: "string",
    metavar: "NAME",
    choices: HASH_TYPES,
    description: `Hash algorithm: ${HASH_TYPES.join(", ")}`,
    default: "sha256",
  },
  {
    name: "shard-size",
    type: "size",
    metavar: "BYTES",
    min: 1,
    description: "Hash files in shards of this size, such as 128MiB, instead of whole",
  },
];

/** Where `sign` writes unless it is told. */
export const DEFAULT_SIGNATURE = "model.sig";

/** Where `sign` writes. */
export const SIGN_OPTIONS: readonly CliOption[] = [
  {
    name: "signature",
    type: "file",
    metavar: "FILE",
    takesStream: true,
    description: "Where to write the signature; - is stdout",
    default: `${DEFAULT_SIGNATURE}, or beside the model in a registry`,
  },
];

/** Who else is to confirm a signature. */
export function witnessOption(ids: readonly string[]): CliOption {
  return {
    name: "witness",
    type: "string",
    metavar: "NAME",
    choices: ids,
    repeatable: true,
    description: `Have the signature confirmed by: ${ids.join(", ")}`,
    default: "none but the method's own",
  };
}

const FORMAT: CliOption = {
  name: "format",
  type: "string",
  metavar: "FORMAT",
  choices: ["text", "json"],
  description: "Format of the result: text or json",
  default: "text",
};

/**
 * What `verify` reads, and how it answers.
 *
 * @param needsNoSignature whether a model's signatures are found beside it, or there is no model to have one
 */
export const verifyOptions = (
  needsNoSignature: (operand: string) => boolean,
): readonly CliOption[] => [
  {
    name: "signature",
    type: "file",
    metavar: "FILE",
    required: true,
    exempt: { words: "but for a model in a registry", applies: needsNoSignature },
    takesStream: true,
    description: "The signature to verify; - is stdin",
  },
  {
    name: "pull",
    type: "directory",
    metavar: "FOLDER",
    description: "Write a model from a registry to this folder, once it is verified",
  },
  {
    name: "ignore-unsigned-files",
    type: "boolean",
    fromEnvironment: false,
    description: "Accept files that the signature does not list",
    default: "off",
  },
  FORMAT,
  {
    name: "report",
    type: "file",
    metavar: "FILE",
    // It has a hint of its own for that.
    takesStream: true,
    description: "Write the result to this file, too, as JSON",
  },
];

/** How `digest` answers. */
export const DIGEST_OPTIONS: readonly CliOption[] = [
  {
    name: "files",
    type: "boolean",
    description: "List the digest of every file, too",
  },
  FORMAT,
];

/** How `inspect` answers. */
export const INSPECT_OPTIONS: readonly CliOption[] = [FORMAT];

/** How `plugin list` answers. */
export const PLUGIN_LIST_OPTIONS: readonly CliOption[] = [FORMAT];

/** What `plugin check` needs to know of a plugin. */
export const PLUGIN_CHECK_OPTIONS: readonly CliOption[] = [
  {
    name: "set",
    type: "string",
    metavar: "OPTION=VALUE",
    repeatable: true,
    description: "A setting for the plugin, as its own flag would set it",
  },
  {
    name: "reference",
    type: "string",
    metavar: "REFERENCE",
    description: "A model that the plugin's source can open, with its scheme",
  },
  {
    name: "bundle",
    type: "file",
    metavar: "FILE",
    description: "A signature that the plugin's verifier accepts; by default one by its signer",
  },
  FORMAT,
];
