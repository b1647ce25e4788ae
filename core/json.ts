/**
 * JSON, strictly: RFC 8259, UTF-8, no duplicate members, bounded depth and number of values.
 *
 * `JSON.parse` keeps the last of two members of one name, so that two readers of one signed document can
 * see different things. This parser refuses them.
 */

import { MAX_JSON_CONTAINERS, MAX_JSON_DEPTH, MAX_JSON_VALUES } from "./limits.ts";
import { excerpt } from "./text.ts";

/** A JSON value. Objects inherit nothing. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
/** A JSON object. */
export type JsonObject = { readonly [member: string]: Json };

/** Why a text is not acceptable JSON. */
export class JsonError extends Error {
  /** At the offset of the first byte that is wrong. */
  constructor(message: string, offset: number) {
    super(`${message} at offset ${offset}`);
    this.name = "JsonError";
  }
}

/**
 * Parses UTF-8 bytes. A byte order mark is refused.
 *
 * @param maxValues how many values the text may hold
 * @throws {JsonError} for anything that is not one complete JSON value
 */
export function parseJson(bytes: Uint8Array, maxValues: number = MAX_JSON_VALUES): Json {
  return new Parser(textIn(bytes), maxValues).document();
}

/**
 * One member of the JSON object that a text is; undefined when there is none. What else stands there takes no memory.
 *
 * @throws {JsonError} like {@link parseJson}, but not for two members of one name among the others
 */
export function parseMember(bytes: Uint8Array, member: string): Json | undefined {
  const json = new Parser(textIn(bytes), MAX_JSON_VALUES, member).document();
  return isObject(json) ? json[member] : undefined;
}

function textIn(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    // What PowerShell before version 6 writes for `>`.
    const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe || bytes[0] === 0xfe && bytes[1] === 0xff;
    throw new JsonError(utf16 ? "UTF-16 in the place of UTF-8" : "not valid UTF-8", 0);
  }
  if (text.startsWith("\ufeff")) throw new JsonError("unexpected byte order mark", 0);
  return text;
}

/** True for a JSON object, and only for that. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
/** Up to the first character that ends or interrupts a string. */
const PLAIN = /[^"\\\u0000-\u001f]*/y;
const ESCAPED = '"\\/bfnrtu';
const HEX_DIGITS = /[0-9a-fA-F]{4}/y;

/**
 * Makes objects that inherit nothing, so that `in` and `__proto__` tell of their own members only.
 * `Object.create(null)` would do, but V8 makes hash tables of those: 3 times the memory, half the speed.
 */
const Bare = function () {} as unknown as new () => Record<string, Json>;
Bare.prototype = Object.freeze(Object.create(null));

class Parser {
  readonly #text: string;
  readonly #maxValues: number;
  /** The only member of the outermost object that is kept. */
  readonly #member: string | undefined;
  #keeps: boolean;
  #at = 0;
  #values = 0;
  #containers = 0;

  constructor(text: string, maxValues: number, member?: string) {
    this.#text = text;
    this.#maxValues = maxValues;
    this.#member = member;
    this.#keeps = member === undefined;
  }

  document(): Json {
    const value = this.#value(0);
    this.#space();
    if (this.#at < this.#text.length) this.#fail("unexpected text after the value");
    return value;
  }

  #value(depth: number): Json {
    if (++this.#values > this.#maxValues) this.#fail(`more than ${this.#maxValues} values`);
    this.#space();
    switch (this.#text[this.#at]) {
      case "{":
        return this.#object(this.#deeper(depth));
      case "[":
        return this.#array(this.#deeper(depth));
      case '"':
        return this.#string();
      case "t":
        return this.#word("true", true);
      case "f":
        return this.#word("false", false);
      case "n":
        return this.#word("null", null);
      case undefined:
        return this.#fail("unexpected end");
      default:
        return this.#number();
    }
  }

  #deeper(depth: number): number {
    if (depth === MAX_JSON_DEPTH) this.#fail(`nested deeper than ${MAX_JSON_DEPTH}`);
    if (++this.#containers > MAX_JSON_CONTAINERS) {
      this.#fail(`more than ${MAX_JSON_CONTAINERS} objects and arrays`);
    }
    return depth + 1;
  }

  #object(depth: number): JsonObject {
    const object = new Bare();
    this.#at++;
    if (this.#next("}")) return object;
    do {
      this.#space();
      if (this.#text.charCodeAt(this.#at) !== QUOTE) this.#fail("expected a member name");
      const name = this.#string();
      if (name in object) this.#fail(`duplicate member ${excerpt(name)}`);
      if (!this.#next(":")) this.#fail("expected a colon");
      if (depth === 1 && this.#member !== undefined) this.#keeps = name === this.#member;
      const value = this.#value(depth);
      if (this.#keeps) object[name] = value;
    } while (this.#next(","));
    if (!this.#next("}")) this.#fail("expected a comma or the end of the object");
    return object;
  }

  #array(depth: number): readonly Json[] {
    const array: Json[] = [];
    this.#at++;
    if (this.#next("]")) return array;
    do {
      const value = this.#value(depth);
      if (this.#keeps) array.push(value);
    } while (this.#next(","));
    if (!this.#next("]")) this.#fail("expected a comma or the end of the array");
    return array;
  }

  #string(): string {
    const start = this.#at++;
    let escaped = false;
    for (;;) {
      PLAIN.lastIndex = this.#at;
      PLAIN.test(this.#text);
      this.#at = PLAIN.lastIndex;
      const code = this.#text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      if (code !== BACKSLASH) {
        this.#fail(
          this.#at < this.#text.length ? "control character in a string" : "unexpected end",
        );
      }
      escaped = true;
      this.#skipEscape();
    }
    this.#at++;
    // Put together piece by piece, 256 MiB of escapes took 12.7 GB and a minute (Bun 1.4.5).
    if (escaped) return JSON.parse(this.#text.slice(start, this.#at));
    return this.#text.slice(start + 1, this.#at - 1);
  }

  #skipEscape(): void {
    const letter = this.#text[this.#at + 1];
    if (letter === undefined || !ESCAPED.includes(letter)) this.#fail("unknown escape");
    if (letter === "u") {
      HEX_DIGITS.lastIndex = this.#at + 2;
      if (!HEX_DIGITS.test(this.#text)) this.#fail("malformed \\u escape");
      this.#at += 4;
    }
    this.#at += 2;
  }

  #number(): number {
    NUMBER.lastIndex = this.#at;
    const digits = NUMBER.exec(this.#text)?.[0];
    if (digits === undefined) this.#fail("unexpected character");
    this.#at += digits.length;
    return Number(digits);
  }

  #word<T extends Json>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("unexpected character");
    this.#at += word.length;
    return value;
  }

  /** Skips space, then the character if it stands there. */
  #next(character: string): boolean {
    this.#space();
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(message: string): never {
    throw new JsonError(message, this.#at);
  }
}
