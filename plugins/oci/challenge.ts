/** `WWW-Authenticate` (RFC 9110 11.6.1). */

import { MAX_HEADER_LENGTH } from "./limits.ts";

/** One way to authenticate. */
export type Challenge = {
  /** In lower case. */
  readonly scheme: string;
  /** By name in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
};

// RFC 9110 5.6.2 and 11.2.
const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const SEPARATORS = /[ \t]*(?:,[ \t]*)*/y;
const PARAMETER = new RegExp(
  `(${TOKEN})[ \\t]*=[ \\t]*(?:(${TOKEN})|"((?:[^"\\\\]|\\\\.)*)")`,
  "y",
);
const SCHEME = new RegExp(`(${TOKEN})(?=[ \\t]|,|$)`, "y");
const TOKEN68 = /[ \t]+[A-Za-z0-9._~+/-]+=*[ \t]*(?=,|$)/y;

/** All challenges of a header, whose lines were joined by commas. A malformed header has none. */
export function parseChallenges(header: string): readonly Challenge[] {
  if (header.length > MAX_HEADER_LENGTH) return [];
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(header);
    if (found) at = pattern.lastIndex;
    return found;
  };
  for (;;) {
    next(SEPARATORS);
    if (at === header.length) return challenges;
    const parameter = next(PARAMETER);
    if (parameter) {
      const [, name, plain, quoted] = parameter;
      const parameters = challenges.at(-1)?.parameters;
      const key = name!.toLowerCase();
      if (!parameters || parameters.has(key)) return [];
      parameters.set(key, plain ?? quoted!.replace(/\\(.)/g, "$1"));
      continue;
    }
    const scheme = next(SCHEME);
    if (!scheme) return [];
    challenges.push({ scheme: scheme[1]!.toLowerCase(), parameters: new Map() });
    next(TOKEN68);
  }
}
