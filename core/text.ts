/** Text from outside, made safe to print. */

/**
 * Control and escape characters (C0, DEL, C1), line and paragraph separators, bidirectional and invisible
 * formatting characters, tag characters, lone surrogates.
 */
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{e0000}-\u{e007f}\p{Surrogate}]/gu;

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

/** JSON in which nothing but ASCII-safe and ordinary letters stand: unsafe characters become `\u` escapes. */
export function printableJson(json: string): string {
  return json.replace(UNSAFE, (character) => {
    if (character === "\n") return character;
    return [...Array(character.length).keys()]
      .map((index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`)
      .join("");
  });
}
