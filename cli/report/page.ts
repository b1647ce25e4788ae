/** Aligned text for people: labels, values, lists. Everything put in is made printable. */

import { grouped, printable } from "../../core/mod.ts";
import { columnsOf } from "../columns.ts";
import { type Io, isColored, type Output } from "../io.ts";

/** How a page looks. */
export type PageStyle = {
  /** Columns to wrap at; Infinity for a page that is not for a terminal. */
  readonly width: number;
  readonly colors: boolean;
};

/** The style that fits an output: nothing is wrapped unless a terminal shows it. */
export function pageStyle(output: Output, io: Io): PageStyle {
  return {
    width: output.isTerminal ? Math.max(output.columns(), 20) : Infinity,
    colors: isColored(output, io),
  };
}

/** What a piece of text means. */
export type Tone = "plain" | "good" | "bad" | "unsure";

const SGR: Readonly<Record<Tone, string>> = {
  plain: "",
  good: "32",
  bad: "31",
  unsure: "33",
};

/** Wide enough for the longest label, "Root digest". */
const LABEL_WIDTH = 13;
/** Below this, values stand under their labels. */
const NARROW = 60;

/** A longer name is not what the others are aligned to. */
const MAX_NAME_WIDTH = 24;

/** A line of a field: a text, or a name and a value that stand below those of the other lines. */
export type Line = string | readonly [name: string, value: string];

/** As many items of a list as are shown. */
export const SHOWN = 20;

/** A page, line by line. */
export class Page {
  readonly #style: PageStyle;
  #text = "";

  constructor(style: PageStyle) {
    this.#style = style;
  }

  /** A line of its own, such as the verdict. */
  headline(word: string, tone: Tone, rest: string): void {
    const lines = wrap(`${word}  ${printable(rest)}`, this.#style.width, "  ");
    // The word is short and never wrapped.
    lines[0] = this.#tinted(word, tone) + lines[0]!.slice(word.length);
    this.#text += `${lines.join("\n")}\n`;
  }

  /** An empty line, unless there is one. */
  gap(): void {
    if (!this.#text.endsWith("\n\n")) this.#text += "\n";
  }

  /** A label with one or more values under each other. Without values, nothing. */
  field(label: string, values: string | readonly Line[], tone: Tone = "plain"): void {
    const list = typeof values === "string" ? [values] : values;
    if (list.length === 0) return;
    const narrow = this.#narrow;
    if (narrow) this.#text += `${label}\n`;
    const indent = " ".repeat(narrow ? 2 : LABEL_WIDTH);
    this.#aligned(list, this.#style.width - indent.length).forEach((line, row) => {
      const head = !narrow && row === 0 ? label.padEnd(LABEL_WIDTH) : indent;
      this.#text += `${head}${this.#tinted(line, tone)}\n`;
    });
  }

  /** A title with all lines below it. */
  table(title: string, rows: readonly Line[]): void {
    this.gap();
    this.#text += `${printable(title)}\n`;
    for (const line of this.#aligned(rows, this.#style.width - 2)) this.#text += `  ${line}\n`;
  }

  /** The first items of a list, each with lines below it, and how many more there are. */
  list(
    title: string,
    items: readonly (readonly [string, ...string[]])[],
    limit: number = SHOWN,
  ): void {
    this.gap();
    this.#text += `${printable(title)}\n`;
    for (const [item, ...details] of items.slice(0, limit)) {
      this.#text += `${wrap(`  ${printable(item)}`, this.#style.width, "    ").join("\n")}\n`;
      for (const detail of details) {
        this.#text += `${
          wrap(`    ${printable(detail)}`, this.#style.width, "      ").join("\n")
        }\n`;
      }
    }
    if (items.length > limit) {
      const rest = `  ... and ${grouped(items.length - limit)} more (all with --format json)`;
      this.#text += `${wrap(rest, this.#style.width, "    ").join("\n")}\n`;
    }
  }

  toString(): string {
    return this.#text;
  }

  get #narrow(): boolean {
    return this.#style.width < NARROW;
  }

  /** The lines, printable and wrapped. What one of them goes on with is indented, so that it looks like no line of its own. */
  #aligned(lines: readonly Line[], width: number): readonly string[] {
    const texts = lines.map((line) => typeof line === "string" ? line : line.map(printable));
    const names = texts.flatMap((line) => typeof line === "string" ? [] : line[0]!.length);
    const column = Math.min(Math.max(0, ...names), MAX_NAME_WIDTH);
    return texts.flatMap((line) => {
      if (typeof line === "string") return wrap(printable(line), width, "  ");
      const [name = "", value = ""] = line;
      if (this.#narrow) return wrap(`${name} ${value}`, width, "  ");
      return wrap(value, width - column - 1, "").map((part, row) =>
        `${(row === 0 ? name : "").padEnd(column)} ${part}`
      );
    });
  }

  #tinted(text: string, tone: Tone): string {
    return this.#style.colors && SGR[tone] !== "" ? `\x1b[${SGR[tone]}m${text}\x1b[0m` : text;
  }
}

/** What stays whole, so that it can be copied. */
const DIGEST = /^(?:sha(?:256|512):)?[0-9a-f]{64,128}$/;

/**
 * Breaks at spaces, and in words that are longer than a line: what a terminal breaks goes on at its left edge, where a
 * name could look like a line of ours.
 */
function wrap(text: string, width: number, indent: string): string[] {
  if (width === Infinity) return [text];
  const lines: string[] = [];
  let line = "";
  for (const [piece] of text.matchAll(/ *[^ ]+| +$/g)) {
    if (line !== "" && columnsOf(line) + columnsOf(piece) > width) {
      lines.push(line);
      line = indent + piece.trimStart();
    } else line += piece;
    if (DIGEST.test(piece.trimStart())) continue;
    const parts = [...broken(line, width, indent)];
    line = parts.pop()!;
    for (const part of parts) lines.push(part);
  }
  lines.push(line);
  return lines;
}

/** A text that may be a million letters without a space, in lines that all but the first are indented. */
function* broken(text: string, width: number, indent: string): Generator<string, void, void> {
  let [start, end, columns, head] = [0, 0, 0, ""];
  for (const character of text) {
    const more = columnsOf(character);
    if (columns + more > width) {
      yield head + text.slice(start, end);
      [start, columns, head] = [end, indent.length, indent];
    }
    columns += more;
    end += character.length;
  }
  yield head + text.slice(start);
}
