/** How capabilities are offered to the program. */

import type { RunOptions } from "./options.ts";
import type { Secret } from "./secret.ts";
import type { OpenedSigner, Witness } from "./signer.ts";
import type { OpenedSource, ResourceRole } from "./source.ts";
import type { Statement } from "./statement.ts";
import type { Describer, Verifier } from "./verifier.ts";

/** Version of the contract in this folder. A plugin that names another one is refused. */
export const CONTRACT_VERSION = 1;

/** One setting of a provider; it becomes a flag on the command line, a variable and a JSON member. */
export type Option = {
  /** Kebab case, such as `private-key`. */
  readonly name: string;
  /** `file` and `directory` are paths (completed as such); `size` takes bytes with an optional unit. */
  readonly type: "string" | "boolean" | "integer" | "size" | "file" | "directory";
  /** One sentence for the help page. */
  readonly description: string;
  /** What stands for the value in the help page, such as `PEM`. */
  readonly metavar?: string;
  readonly required?: boolean;
  /** Why there is no default, for the error when it is missing: ends a sentence, without a full stop. */
  readonly requiredBecause?: string;
  /** May be given more than once; the setting is a list. */
  readonly repeatable?: boolean;
  /** Also split at commas. Only with `repeatable`. */
  readonly commaSeparated?: boolean;
  /** The value is wrapped in a {@link Secret} as soon as it is read. */
  readonly secret?: boolean;
  /** The option that this one replaces. Of the two, the one from the stronger source counts. */
  readonly insteadOf?: string;
  /** False when only the command line may set it, because it could load code or weaken a check. Default true. */
  readonly fromEnvironment?: boolean;
  readonly choices?: readonly string[];
};

/** The value of one setting; a list for repeatable options. */
export type SettingValue = string | number | boolean | Secret | readonly string[];

/** Settings by option name. Options that were not given are absent. The readers in `settings.ts` check the types. */
export type Settings = Readonly<Record<string, SettingValue>>;

/** What every provider says about itself. */
export type ProviderBase = {
  /** Name on the command line (`sign ID MODEL`), or the URI scheme of a source. Lowercase, digits, hyphens. */
  readonly id: string;
  /** One line for the help page. */
  readonly summary: string;
  readonly options: readonly Option[];
  /** Command lines that work, for the help page, which breaks long ones. */
  readonly examples?: readonly string[];
};

/** Opens models that a reference names. */
export type SourceProvider = ProviderBase & {
  readonly kind: "source";
  /** `reference` is what was given, with its scheme if it had one. */
  open(reference: string, settings: Settings, options: RunOptions): Promise<OpenedSource>;
  /** Whether its models have their signatures beside them, so that none has to be named. */
  readonly keepsSignatures?: boolean;
  /** Whether a reference without a scheme is one of this source's. Reads as little as it takes; never throws. */
  recognizes?(reference: string): Promise<boolean>;
  /**
   * Resources of a statement that need not be files when the model is a folder, because the statement was made from
   * a source of this kind; empty for other statements.
   *
   * @param asserted the user says that it was made from one
   */
  roles?(
    statement: Pick<Statement, "manifest">,
    asserted: boolean,
  ): ReadonlyMap<string, ResourceRole>;
};
/** Opens a signer and the witnesses that belong to it. */
export type SignerProvider = ProviderBase & {
  readonly kind: "signer";
  open(settings: Settings, options: RunOptions): Promise<OpenedSigner>;
};
/** Opens a witness of its own. */
export type WitnessProvider = ProviderBase & {
  readonly kind: "witness";
  open(settings: Settings, options: RunOptions): Promise<Witness>;
};
/** Opens a verifier. */
export type VerifierProvider = ProviderBase & {
  readonly kind: "verifier";
  /** For `inspect`; makes no trust decision. Whoever has nothing to add to what the other methods tell has none. */
  readonly describer?: Describer;
  open(settings: Settings, options: RunOptions): Promise<Verifier>;
};
/** What a command provider works with. */
export type CommandIo = RunOptions & {
  /** Writes the result: what the user asked for, whatever the log level. */
  readonly stdout: (text: string) => void;
  /** Writes what was done, for people: text on stdout that `--log-level error` and `silent` leave out. */
  readonly success: (text: string) => void;
  /** What the command is about; given exactly when the command has an operand. */
  readonly operand?: string;
};
/** What a command does. */
export type CommandAction = {
  /** The one thing that the command is about, always required. */
  readonly operand?: {
    /** Such as `FILE`. */
    readonly metavar: string;
    readonly description: string;
  };
  /** Gives the exit status. */
  run(settings: Settings, io: CommandIo): Promise<0 | 1 | 2 | 3>;
};
/** A command of its own: `ID`, or a family of them: `ID NAME`. */
export type CommandProvider =
  & { readonly kind: "command" }
  & (
    | (ProviderBase & CommandAction)
    | (
      & Pick<ProviderBase, "id" | "summary">
      & {
        readonly subcommands:
          readonly (Omit<ProviderBase, "id"> & CommandAction & { readonly name: string })[];
      }
    )
  );

/** One capability. */
export type Provider =
  | SourceProvider
  | SignerProvider
  | WitnessProvider
  | VerifierProvider
  | CommandProvider;

/** A named set of capabilities. */
export type Plugin = {
  readonly name: string;
  readonly version: string;
  /** The {@link CONTRACT_VERSION} it was written for. */
  readonly contract: number;
  readonly providers: readonly Provider[];
};
