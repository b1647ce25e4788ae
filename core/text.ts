/** Text from outside, made safe to print. */

import { Buffer } from "node:buffer";

/**
 * Control and escape characters (C0, DEL, C1), lone surrogates, line and paragraph separators, what Unicode says to
 * show as nothing (bidirectional and other formatting, fillers, variation selectors, tags), and what looks like a space
 * and is none: with those a name could be laid out like lines of ours.
 */
const UNSAFE =
  /[\p{Control}\p{Surrogate}\p{Line_Separator}\p{Paragraph_Separator}\p{Default_Ignorable_Code_Point}\ufff9-\ufffb\u2800]|(?! )\p{Space_Separator}/gu;

/** UTF-16 units that {@link excerpt} shows. */
const EXCERPT_LENGTH = 200;

/**
 * The text with everything escaped that could move a terminal's cursor, recolour it, reorder or hide
 * characters: `\n`, `\u{1b}`, `\u{202e}`. Backslashes are left alone, so Windows paths stay readable.
 */
export function printable(text: string): string {
  return text.replace(UNSAFE, (character) => {
    if (character === "\n") return "\\n";
    if (character === "\r") return "\\r";
    if (character === "\t") return "\\t";
    return `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}

/** The text in double quotes, safe to print. */
export function quote(text: string): string {
  return `"${printable(text)}"`;
}

/** The beginning of a text of any length, quoted and safe to print. */
export function excerpt(text: string): string {
  return quote(
    text.length > EXCERPT_LENGTH ? `${copied(text.slice(0, EXCERPT_LENGTH))}...` : copied(text),
  );
}

/** A text that keeps no longer one in memory, of which it is a part: what is parsed has 256 MiB at most. */
export function copied(text: string): string {
  return Buffer.from(text, "utf16le").toString("utf16le");
}

/** JSON in which nothing but ASCII-safe and ordinary letters stand: unsafe characters become `\u` escapes. */
export function printableJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    if (character === "\n") return character;
    return [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
      .join("");
  });
}

/** UTF-16 units of a JSON document that is still indented. Of deep lists the indentation is a hundred times the rest. */
const INDENTED_LENGTH = 16 * 1024 * 1024;

/** A value as a JSON document with a newline, by {@link printableJson}; indented, unless it is too large to be looked at. */
export function jsonDocument(value: object): string {
  const plain = JSON.stringify(value);
  const json = plain.length > INDENTED_LENGTH ? plain : JSON.stringify(value, undefined, 2);
  return `${printableJson(json)}\n`;
}

/** `1,234,567`. */
export function grouped(count: number): string {
  return String(count).replace(/\B(?=(?:[0-9]{3})+$)/g, ",");
}

/** `1 file`, `1,200 files`. */
export function counted(count: number, noun: string, plural: string = `${noun}s`): string {
  return `${grouped(count)} ${count === 1 ? noun : plural}`;
}

/** What a value is that should have been another, in words: `null`, `a list`, `an object`, `a number`. */
export function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
