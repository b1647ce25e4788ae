/**
 * From arguments to a command and what was given for its options.
 *
 * Optique parses, renders the help pages and completes. The commands and their options are data, since
 * plugins bring their own.
 */

import { group, longestMatch, object } from "@optique/core/constructs";
import { formatDocPage } from "@optique/core/doc";
import { runParser } from "@optique/core/facade";
import { formatMessage, type Message, text } from "@optique/core/message";
import { map, multiple, optional } from "@optique/core/modifiers";
import { ensureNonEmptyString, type NonEmptyString } from "@optique/core/nonempty";
import type { Parser, Suggestion } from "@optique/core/parser";
import {
  argument,
  command as word,
  constant,
  negatableFlag,
  option as valued,
} from "@optique/core/primitives";
import type { ValueParser } from "@optique/core/valueparser";
import {
  type ModelSigningError,
  printable,
  type Settings,
  type SettingValue,
} from "../core/mod.ts";
import { GLOBAL_OPTIONS } from "./builtin_options.ts";
import type { Command, CommandFamily, Offer } from "./command.ts";
import {
  commandHelp,
  familyHelp,
  inOurWords,
  optionHelp,
  pageLayout,
  ROOT_HELP,
  sentence,
} from "./help.ts";
import { explainHelp, explainUnexpected, type Mistake, oneOf } from "./mistakes.ts";
import { type CliOption, negation, readText, usageError } from "./option.ts";
import { type CommandLine, readWords, requireValues, wordsOf } from "./words.ts";

/** What the arguments ask for. */
export type Request =
  | {
    readonly kind: "run";
    readonly command: Command;
    /** What stands on the command line, global options included. */
    readonly given: Settings;
    readonly operand?: string;
  }
  /** Help, the version or a completion, ready to be printed. */
  | { readonly kind: "text"; readonly text: string };

/** The program's name in usage lines and messages. */
export const PROGRAM = "model-signing";

type Sync<T> = Parser<"sync", T, unknown>;
type Values = { readonly [name: string]: SettingValue | undefined };
type Chosen = { readonly command: Command; readonly values: Values; readonly operand?: string };

/**
 * Parses the arguments.
 *
 * @throws {ModelSigningError} `USAGE`
 */
export function parseArguments(
  offer: Offer,
  argv: readonly string[],
  terminal: { readonly columns: number; readonly colors: boolean },
): Request {
  const line = readWords(argv, offer);
  requireValues(argv, line);
  const [first, ...asked] = wordsOf(line.given, offer).map(({ text }) => text);
  const mistake = first === "help" ? explainHelp(asked, offer) : undefined;
  if (mistake) throw usageError(mistake.problem, mistake.hint);
  const layout = { ...pageLayout(terminal.columns), colors: terminal.colors };
  let shown = "";
  const result: { value: Request } | Request = runParser(
    map(requestParser(line, offer), (value) => ({ value })),
    PROGRAM,
    line.args,
    {
      ...layout,
      ...ROOT_HELP,
      aboveError: "none",
      stdout: (line) => void (shown += `${line}\n`),
      stderr: () => {},
      help: {
        command: true,
        option: { names: ["-h", "--help"] },
        onShow: (_status, page) => ({
          kind: "text",
          text: `${formatDocPage(PROGRAM, inOurWords(page), layout).replace(/ +$/gm, "")}\n`,
        }),
      },
      version: {
        value: `${PROGRAM} ${offer.version}`,
        command: true,
        option: true,
        onShow: () => ({ kind: "text", text: shown }),
      },
      completion: { command: true, onShow: () => ({ kind: "text", text: shown }) },
      onError: (_status, error) => {
        throw asUsageError(error);
      },
    },
  );
  return "value" in result ? result.value : result;
}

function requestParser({ given, scope, open }: CommandLine, offer: Offer): Sync<Request> {
  const families = scope.families.map((family) => familyParser(family, scope.commands, open));
  const nothingAsked = asMessage({
    problem: "no command was given",
    hint: `${PROGRAM} --help lists the commands`,
  });
  const parser = object({
    chosen: longestMatch<"sync", Chosen, unknown, Sync<Chosen>[]>(...families, {
      errors: { noMatch: nothingAsked },
    }),
    globals: optionsParser("Global options", GLOBAL_OPTIONS),
  }, {
    errors: {
      unexpectedInput: (token) => asMessage(explainUnexpected(token, given, offer)),
      endOfInput: nothingAsked,
    },
  });
  return map(parser, ({ chosen, globals }) => ({
    kind: "run",
    command: chosen.command,
    given: withoutUndefined({ ...chosen.values, ...globals }),
    ...(chosen.operand === undefined ? {} : { operand: chosen.operand }),
  }));
}

/** @param open whether the word of the preferred command may still be left out */
function familyParser(
  family: CommandFamily,
  commands: readonly Command[],
  open: boolean,
): Sync<Chosen> {
  const members = commands.filter(({ path }) => path[0] === family.name);
  const [first] = members;
  if (first !== undefined && first.path.length === 1) {
    return word(family.name, commandParser(first), commandHelp(first));
  }
  const parsers = members.map((command) =>
    word(command.path[1]!, commandParser(command), commandHelp(command))
  ) as Sync<Chosen>[];
  const preferred = members.find(({ path }) => path[1] === family.preferred);
  if (open && preferred) parsers.push(commandParser(preferred));
  return word(
    family.name,
    longestMatch<"sync", Chosen, unknown, Sync<Chosen>[]>(...parsers, {
      errors: {
        noMatch: asMessage({
          problem: `${family.name} needs a ${family.kind}`,
          hint: oneOf(members),
        }),
      },
    }),
    familyHelp(family, members),
  );
}

function commandParser(command: Command): Sync<Chosen> {
  const fields: Record<string, Sync<Values>> = {};
  command.groups.forEach(({ title, options }, index) => {
    if (options.length > 0) fields[`group${index}`] = optionsParser(title, options);
  });
  const { operand } = command;
  const operandParser: Sync<string | undefined> = operand
    ? optional(argument(pathParser(operand.metavar, "any"), {
      description: [text(sentence(operand.description))],
      errors: {
        multiple: [text(`${operand.metavar} is given more than once`)],
        invalidValue: (error: Message): Message => [text(`${operand.metavar} `), ...error],
      },
    }))
    : constant(undefined);
  const parser = object({ operand: operandParser, options: object(fields) });
  return map(parser, ({ operand, options }) => ({
    command,
    values: Object.assign({}, ...Object.values(options)),
    ...(operand === undefined ? {} : { operand }),
  }));
}

function optionsParser(title: string, options: readonly CliOption[]): Sync<Values> {
  const fields = Object.fromEntries(options.map((option) => [option.name, optionParser(option)]));
  return group(title, object(fields));
}

function optionParser(option: CliOption): Sync<SettingValue | undefined> {
  const flag = `--${option.name}` as const;
  const description = optionHelp(option);
  const once = [text(`${flag} is given more than once`)];
  if (option.type === "boolean") {
    return optional(negatableFlag({ positive: flag, negative: `--${negation(option)}` }, {
      description,
      errors: {
        duplicate: once,
        conflict: [text(`${flag} and --${negation(option)} contradict each other`)],
        unexpectedValue: (name) => [text(`${name} takes no value`)],
      },
    }));
  }
  const details = {
    description,
    errors: {
      duplicate: once,
      endOfInput: [text(`${flag} needs a value`)],
      invalidValue: (error: Message): Message => [text(`${flag} `), ...error],
    },
  };
  const parser = option.short === undefined
    ? valued(flag, valueParser(option), details)
    : valued(option.short, flag, valueParser(option), details);
  if (!option.repeatable) return optional(parser);
  return map(
    multiple(parser),
    (values) => values.length > 0 ? values.flat() as string[] : undefined,
  );
}

/** The value parser of one occurrence of an option. */
function valueParser(option: CliOption): ValueParser<"sync", SettingValue> {
  const path = option.type === "file" || option.type === "directory"
    ? pathParser(metavarOf(option), option.type)
    : undefined;
  return {
    mode: "sync",
    metavar: metavarOf(option),
    placeholder: "",
    parse(input) {
      const reading = readText(option, input);
      return reading.ok
        ? { success: true, value: reading.value }
        : { success: false, error: [text(reading.problem)] };
    },
    format: String,
    *suggest(prefix): Iterable<Suggestion> {
      if (path?.suggest) yield* path.suggest(prefix);
      for (const choice of option.choices ?? []) {
        if (choice.startsWith(prefix)) yield { kind: "literal", text: choice };
      }
    },
  };
}

function pathParser(
  name: string,
  type: "file" | "directory" | "any",
): ValueParser<"sync", string> {
  const metavar: string = name;
  ensureNonEmptyString(metavar);
  return {
    mode: "sync",
    metavar,
    placeholder: "",
    parse(input) {
      const problem = input === "" ? "is empty" : input.includes("\0") ? "holds NUL" : undefined;
      return problem === undefined
        ? { success: true, value: input }
        : { success: false, error: [text(problem)] };
    },
    format: (path) => path,
    *suggest(prefix): Iterable<Suggestion> {
      // A flag, whose value may be a secret, is no beginning of a path.
      if (!prefix.startsWith("-")) yield { kind: "file", type, pattern: prefix };
    },
  };
}

/** Characters of `a|b|c` in the place of a metavar: the column that help pages leave for it. */
const MAX_METAVAR = 30;

function metavarOf(option: CliOption): NonEmptyString {
  const choices = (option.choices ?? []).join("|");
  const metavar = option.metavar ??
    (choices !== "" && choices.length <= MAX_METAVAR ? choices : option.type.toUpperCase());
  ensureNonEmptyString(metavar);
  return metavar;
}

/** Two paragraphs: what is wrong, and a hint. */
function asMessage({ problem, hint }: Mistake): Message {
  return [text(problem), ...(hint === undefined ? [] : [text("\n\n"), text(hint)])];
}

/** Optique's and our own messages alike have the hint in a second paragraph. */
function asUsageError(error: Message): ModelSigningError {
  const [problem = "", ...rest] = formatMessage(error, { colors: false, quotes: true })
    .split(/\n{2,}/);
  const hint = rest.join(" ").replace(/\s+/g, " ").trim();
  return usageError(
    // Optique's begin with a capital letter.
    printable(problem).replace(/\.$/, "").replace(
      /^[A-Z](?=[a-z])/,
      (first) => first.toLowerCase(),
    ),
    hint === "" ? undefined : printable(hint),
  );
}

function withoutUndefined(values: Values): Settings {
  return Object.fromEntries(
    Object.entries(values).filter(([, value]) => value !== undefined),
  ) as Settings;
}
