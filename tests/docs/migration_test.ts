/** docs/migration.md: every flag in its tables is taken, or refused, as it says. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { commandsOf } from "../../cli/commands.ts";
import { parseArguments } from "../../cli/parser.ts";
import { ModelSigningError, Registry } from "../../core/mod.ts";
import { builtinPlugins } from "../../plugins/mod.ts";
import { pythonTest } from "../support/python_tool.ts";

const PAGE = readFileSync(
  fileURLToPath(new URL("../../docs/migration.md", import.meta.url)),
  "utf8",
);
const OFFER = commandsOf(new Registry(builtinPlugins), "1.2.3");
const WORDS = ["same", "stricter", "more", "renamed", "gone"];

/** Values that stand for what the tables write in capitals, where not everything is taken. */
const VALUES: Readonly<Record<string, string>> = {
  LEVEL: "info",
  FORMAT: "json",
  TIME: "90s",
  JSON: "{}",
};

type Row = {
  readonly flags: readonly string[];
  readonly commands: readonly string[];
  readonly here: string;
  readonly difference: string;
};

/** The rows of the table below a heading. */
function rowsBelow(heading: string): readonly Row[] {
  const [, section = ""] = PAGE.split(`## ${heading}\n`);
  const rows = section.split("\n## ")[0]!.matchAll(
    /^\| (`-.*?) \| (.*?) \| (\w+) +\| (.*?) *\|$/gm,
  );
  return [...rows].map(([, flags = "", commands = "", here = "", difference = ""]) => ({
    flags: quoted(flags),
    commands: quoted(commands),
    here,
    difference,
  }));
}

function quoted(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]*)`/g)].map(([, text = ""]) => text);
}

/** `sign` for each of its methods. */
function pathsOf(command: string): readonly (readonly string[])[] {
  if (command === "") return [[]];
  const words = command.split(" ");
  const paths = OFFER.commands.map(({ path }) => path).filter((path) =>
    words.every((word, index) => path[index] === word)
  );
  assert.notEqual(paths.length, 0, command);
  return paths;
}

function isTaken(path: readonly string[], flag: string): boolean {
  const [name = "", value] = flag.split(" ");
  const given = value === undefined ? [] : [VALUES[value] ?? "x"];
  try {
    parseArguments(OFFER, [...path, ...(path.length > 0 ? ["m"] : []), name, ...given], {
      columns: 80,
      colors: false,
    });
    return true;
  } catch (error) {
    if (error instanceof ModelSigningError) return false;
    throw error;
  }
}

for (const heading of ["Flags of the Python tool", "Flags of the Go tool"]) {
  test(`docs/migration.md tells the truth about the ${heading.toLowerCase()}`, () => {
    const rows = rowsBelow(heading);
    assert.ok(rows.length > 25, `${rows.length} rows`);
    for (const { flags, commands, here, difference } of rows) {
      assert.ok(WORDS.includes(here), `${flags}: ${here}`);
      for (const path of commands.flatMap(pathsOf)) {
        const refused = here === "gone" || here === "renamed";
        for (const flag of flags) assert.equal(isTaken(path, flag), !refused, `${path} ${flag}`);
        if (here !== "renamed") continue;
        for (const flag of quoted(difference)) assert.ok(isTaken(path, flag), `${path} ${flag}`);
      }
    }
  });
}

/** Prints `command flag` for every flag of the Python tool. */
const LIST_FLAGS = `
import click
from model_signing._cli import main
def walk(command, path):
    for parameter in command.params:
        for flag in parameter.opts + parameter.secondary_opts:
            if flag.startswith("-"): print(" ".join(path), flag, sep="\\t")
    for name, sub in getattr(command, "commands", {}).items(): walk(sub, path + [name])
walk(main, [])
`;

pythonTest("docs/migration.md lists every flag of the Python tool, and no other", ({ script }) => {
  const { status, stdout, stderr } = script(LIST_FLAGS, []);
  assert.equal(status, 0, stderr);
  const theirs = stdout.trimEnd().split("\n").filter((line) => !/^\t|--help$/.test(line));
  const ours = rowsBelow("Flags of the Python tool").flatMap(({ flags, commands }) =>
    flags.filter((flag) => !/log-level|version|help|^-h/.test(flag)).flatMap((flag) =>
      commands.flatMap(pathsOf).map((path) => `${path.join(" ")}\t${flag.split(" ")[0]}`)
    )
  );
  assert.deepEqual([...new Set(ours)].sort(), theirs.sort());
});
