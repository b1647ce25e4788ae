/** What the command line offers, as data. */

import type { Registry, RunOptions, Settings } from "../core/mod.ts";
import type { Io } from "./io.ts";
import type { CliOption } from "./option.ts";
import type { PluginSet } from "./plugin_set.ts";

/** What the process ends with: done or verified, rejected, usage, not carried out. */
export type ExitStatus = 0 | 1 | 2 | 3;

/** Options under one heading of the help page. */
export type OptionGroup = { readonly title: string; readonly options: readonly CliOption[] };

/** The one thing a command is about. */
export type Operand = {
  /** Such as `MODEL`. */
  readonly metavar: string;
  readonly description: string;
  /** The JSON member that may stand for it. */
  readonly jsonKey: string;
};

/** What a command works with. */
export type Invocation = {
  readonly settings: Settings;
  /** Those of the settings that the command line itself says. */
  readonly given: Settings;
  /** The operand; given whenever the command has one. */
  readonly operand: string;
  readonly io: Io;
  readonly registry: Registry;
  readonly plugins: PluginSet;
  readonly run: RunOptions & { readonly signal: AbortSignal };
  /** The file that hashing workers are started from. */
  readonly workerUrl: URL;
  /** The program's own. */
  readonly version: string;
  /** Whether the log level lets text for people about a success or a failure through. */
  tells(success: boolean): boolean;
};

/** One command: `["sign", "key"]`. */
export type Command = {
  readonly path: readonly [string] | readonly [string, string];
  readonly summary: string;
  readonly groups: readonly OptionGroup[];
  readonly operand?: Operand;
  readonly examples: readonly string[];
  run(invocation: Invocation): Promise<ExitStatus>;
};

/** Commands that share their first word. */
export type CommandFamily = {
  readonly name: string;
  readonly summary: string;
  /** What the second words are called: "method"; "" when there are none. */
  readonly kind: string;
  /** The second word that may be left out. */
  readonly preferred?: string;
};

/** Everything there is to be asked for. */
export type Offer = {
  readonly commands: readonly Command[];
  readonly families: readonly CommandFamily[];
  readonly version: string;
};

/** All options of a command, in the order of the help page. */
export function optionsOf(command: Command): readonly CliOption[] {
  return command.groups.flatMap((group) => group.options);
}
