/** What the help pages say. They are made from descriptions alone: no plugin code runs for them. */

import type { DocPage, DocPageFormatOptions } from "@optique/core/doc";
import { lineBreak, type Message, message, text } from "@optique/core/message";
import type { CommandOptions } from "@optique/core/primitives";
import type { Usage } from "@optique/core/usage";
import type { Command, CommandFamily } from "./command.ts";
import { type CliOption, environmentName } from "./option.ts";

/** Groups stand in the order in which the commands list them, the global options last. */
export function pageLayout(columns: number): DocPageFormatOptions {
  const maxWidth = Math.min(Math.max(columns, 40), 100);
  return {
    maxWidth,
    termWidth: maxWidth < 60 ? 4 : maxWidth < 72 ? 16 : 28,
    sectionOrder: (a, b) => rank(a.title) - rank(b.title),
  };
}

function rank(title: string | undefined): number {
  return title === undefined ? 0 : title === "Global options" ? 2 : 1;
}

/** What Optique brings, in the words of the other commands. */
const META_DESCRIPTIONS: Readonly<Record<string, string>> = {
  help: "Show this page, or that of a command",
  version: "Show the version",
  completion: "Print the completions for a shell",
  "--help": "Show help",
  "--version": "Show the version",
};

/** A page with our descriptions in the place of Optique's. */
export function inOurWords(page: DocPage): DocPage {
  const sections = page.sections.map((section) => ({
    ...section,
    entries: section.entries.map((entry) => {
      const { term } = entry;
      const name = term.type === "command"
        ? term.name
        : term.type === "option"
        ? term.names.at(-1)
        : undefined;
      const words = name === undefined ? undefined : META_DESCRIPTIONS[name];
      return words === undefined ? entry : { ...entry, description: [text(words)] };
    }),
  }));
  // The page of `completion` says the same twice.
  const { brief, description, ...rest } = page;
  const repeated = brief !== undefined && JSON.stringify(brief) === JSON.stringify(description);
  return {
    ...rest,
    sections,
    ...(brief === undefined ? {} : { brief }),
    ...(description === undefined || repeated ? {} : { description }),
  };
}

/** The first page. */
export const ROOT_HELP: {
  readonly brief: Message;
  readonly footer: Message;
  readonly usageLine: Usage;
  readonly commandList: "top-level";
} = {
  brief: message`Sign and verify machine-learning models in the OpenSSF Model Signing format.`,
  usageLine: [
    { type: "argument", metavar: "COMMAND" },
    { type: "optional", terms: [{ type: "argument", metavar: "OPTIONS" }] },
  ],
  commandList: "top-level",
  footer: lines(
    "Options with [env: ...] can also be set by that variable and in --json; the command line wins, then " +
      "--json. The others count on the command line only. The words of a flag may be joined with _ " +
      "instead of -.",
    "",
    "Exit status: 0 done or verified, 1 rejected, 2 wrong usage, 3 could not be decided or done.",
    "",
    "model-signing COMMAND --help tells more, with examples.",
  ),
};

/** The page of one command. */
export function commandHelp(command: Command): CommandOptions {
  return {
    brief: [text(command.summary)],
    usageLine: [
      { type: "optional", terms: [{ type: "argument", metavar: "OPTIONS" }] },
      ...(command.operand
        ? [{ type: "argument" as const, metavar: command.operand.metavar as "MODEL" }]
        : []),
    ],
    ...(command.examples.length === 0
      ? {}
      : { footer: lines("Examples:", ...command.examples.flatMap(indented)) }),
  };
}

/** The page of a word that needs another one. */
export function familyHelp(
  family: CommandFamily,
  members: readonly Command[],
): CommandOptions {
  const metavar = family.kind.toUpperCase();
  const second = { type: "argument", metavar: metavar as "METHOD" } as const;
  const operands = new Set(members.map(({ operand }) => operand?.metavar));
  const [operand] = operands;
  return {
    brief: [text(family.summary)],
    usageLine: [
      family.preferred === undefined ? second : { type: "optional", terms: [second] },
      { type: "optional", terms: [{ type: "argument", metavar: "OPTIONS" }] },
      // Of members that are about different things, each has its own page.
      ...(operands.size === 1 && operand !== undefined
        ? [{ type: "argument" as const, metavar: operand as "MODEL" }]
        : []),
    ],
    footer: lines(
      ...(family.preferred === undefined ? [] : [`Without ${metavar}, it is ${family.preferred}.`]),
      `model-signing ${family.name} ${metavar} --help lists the options of a ${family.kind}.`,
    ),
  };
}

/** `Files hashed at once [default: one per processor] [env: MODEL_SIGNING_JOBS]`. */
export function optionHelp(option: CliOption): Message {
  const notes = [
    option.required ? `[required${option.exempt ? `, ${option.exempt.words}` : ""}]` : "",
    option.repeatable ? (option.commaSeparated ? "[repeatable, or a,b]" : "[repeatable]") : "",
    option.default === undefined ? "" : `[default: ${option.default}]`,
    option.fromEnvironment === false ? "" : `[env: ${environmentName(option)}]`,
  ].filter((note) => note !== "");
  return [text([sentence(option.description), ...notes].join(" "))];
}

/** As the help pages write it: with a capital letter, without a full stop. */
export function sentence(description: string): string {
  return `${description.charAt(0).toUpperCase()}${description.slice(1).replace(/\.$/, "")}`;
}

/** Columns that every terminal has and pages are laid out for. */
const EXAMPLE_WIDTH = 78;

/** A long command line goes on, after a backslash, on further lines; an option stays with its value. */
function indented(example: string): readonly string[] {
  const wrapped: string[] = [];
  let line = " ";
  for (const part of example.replace(/\s*\\\n\s*/g, " ").split(/ (?=-)/)) {
    if (line.length + part.length + " ".length + " \\".length > EXAMPLE_WIDTH) {
      wrapped.push(`${line} \\`);
      line = "   ";
    }
    line = `${line} ${part}`;
  }
  return [...wrapped, line];
}

function lines(...texts: readonly string[]): Message {
  return texts.flatMap((line, index) => [...(index > 0 ? [lineBreak()] : []), text(line)]);
}
