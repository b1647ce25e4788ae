/** The documents, and the fenced blocks in them. */

import { readdirSync, readFileSync } from "node:fs";
import { ROOT } from "../support/project.ts";

/** A document and its text. */
export type Document = { readonly path: string; readonly text: string };

/** A fenced block. */
export type Block = {
  /** What stands after the opening fence, such as `sh` or `ts ignore`. */
  readonly info: string;
  readonly text: string;
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** Why its commands are not run, from the comment above it: `<!-- not run: REASON -->`. */
  readonly notRun?: string;
  /** Whether that comment says `not run, not parsed`: it shows commands that only a plugin would bring. */
  readonly notParsed?: boolean;
};

/** Everything that people read, relative to the project's root. */
export function documents(): readonly Document[] {
  const names = (folder: string) => readdirSync(`${ROOT}/${folder}`, { encoding: "utf8" });
  return [
    ...names(".").filter((name) => name.endsWith(".md")),
    ...names("docs").filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
    ...names("examples/plugins").map((name) => `examples/plugins/${name}/README.md`),
  ].map((path) => ({ path, text: readFileSync(`${ROOT}/${path}`, "utf8") }));
}

/** The fenced blocks of a text. */
export function blocksOf(text: string): readonly Block[] {
  const fenced =
    /(?:^ *<!-- (not run(?:, not parsed)?): (.+?) -->\n+)?^ *```([^\n`]*)\n([\s\S]*?)^ *```$/gm;
  return [...text.matchAll(fenced)].map((match) => {
    const [whole, mark, notRun, info = "", body = ""] = match;
    const fence = match.index + whole.indexOf("```");
    return {
      info: info.trim(),
      text: body,
      line: text.slice(0, fence).split("\n").length,
      ...(notRun === undefined ? {} : { notRun, notParsed: mark !== "not run" }),
    };
  });
}

/**
 * The command lines of this program in a block, as arguments: after a prompt, in a pipe, behind a path, in a list
 * item of YAML. Placeholders stay as they are.
 */
export function commandLines(block: string): readonly (readonly string[])[] {
  const start =
    /(?:^|[\s"'/;|&(`])model-signing["']?[ \t]+(?=--?(?:h|help|version|json|log|plugin)\b|(?:sign|verify|digest|inspect|plugin|trust|attach|discover|help|version|completion)\b)/g;
  const text = block.replace(/\\\n\s*/g, " ");
  return [...text.matchAll(start)].map((match) => {
    const [line = ""] = text.slice(match.index + match[0].length).split("\n", 1);
    return shellWords(line);
  });
}

/** The words of a command up to what ends it. */
function shellWords(line: string): readonly string[] {
  const words: string[] = [];
  // A word is a row of quoted and bare parts; a comment, a pipe or a redirection ends the command.
  const word = /[ \t]*((?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|<>;&])+)/y;
  for (;;) {
    const [, raw] = word.exec(line) ?? [];
    // A quote without its end closes the text around the command, as in YAML.
    if (raw === undefined || raw.startsWith("#")) return words;
    words.push(raw.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"/g, "$1$2"));
  }
}
