/** Reading values that a plugin gave, whose types nobody has checked. */

import { Buffer } from "node:buffer";
import { excerpt } from "../../core/text.ts";

/** A value is not what it should be. Caught where plugins are called; it never reaches their callers. */
export class ShapeError extends Error {}

/** A bag of members of any type. */
export type Members = Readonly<Record<string | symbol, unknown>>;

/** Longest text in a message, a description or a name, in UTF-16 units: a long sentence has 200. */
export const MAX_TEXT_LENGTH = 4096;

/** An object that is no list. */
export function objectAt(value: unknown, where: string): Members {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Members;
  throw unexpected(value, where, "an object");
}

/** A list of at most `limit` items; a missing one is empty. */
export function listAt(value: unknown, where: string, limit: number): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw unexpected(value, where, "a list");
  if (value.length > limit) {
    throw new ShapeError(`${where} has ${value.length} items, expected at most ${limit}`);
  }
  return value;
}

/** A text that is not empty. */
export function textAt(value: unknown, where: string, limit: number = MAX_TEXT_LENGTH): string {
  if (typeof value !== "string") throw unexpected(value, where, "a text");
  if (value === "") throw new ShapeError(`${where} is empty`);
  if (value.length > limit) {
    throw new ShapeError(`${where} has ${value.length} characters, expected at most ${limit}`);
  }
  return value;
}

/** A text of a form. */
export function patternAt(value: unknown, where: string, pattern: RegExp): string {
  const text = textAt(value, where);
  if (pattern.test(text)) return text;
  throw new ShapeError(`${where} is ${excerpt(text)}, expected ${pattern.source}`);
}

/** One of a set of words. */
export function choiceAt<T extends string>(
  value: unknown,
  where: string,
  choices: readonly T[],
): T {
  const found = choices.find((choice) => choice === value);
  if (found !== undefined) return found;
  throw unexpected(value, where, choices.join(", "));
}

/** True or false. */
export function booleanAt(value: unknown, where: string): boolean {
  if (typeof value === "boolean") return value;
  throw unexpected(value, where, "true or false");
}

/** A natural number. */
export function numberAt(value: unknown, where: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw unexpected(value, where, "a natural number");
}

/** Bytes, copied, so that nothing changes under whoever reads them. */
export function bytesAt(value: unknown, where: string, limit: number): Uint8Array {
  if (!(value instanceof Uint8Array)) throw unexpected(value, where, "bytes");
  if (value.length === 0) throw new ShapeError(`${where} is empty`);
  if (value.length > limit) {
    throw new ShapeError(`${where} has ${value.length} bytes, expected at most ${limit}`);
  }
  return Uint8Array.from(value);
}

/** Bytes as standard base64. Nothing but the canonical encoding is taken. */
export function base64At(value: unknown, where: string, limit: number): Uint8Array {
  const text = textAt(value, where, Math.ceil(limit / 3) * 4);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new ShapeError(`${where} is not valid base64`);
  return bytesAt(bytes, where, limit);
}

/** A function, bound to what it is a member of. */
export function methodAt(
  owner: Members,
  name: string | symbol,
  where: string,
): (...given: readonly unknown[]) => unknown {
  const method = owner[name];
  if (typeof method !== "function") {
    throw unexpected(method, `${where}.${String(name)}`, "a function");
  }
  return (...given) => Reflect.apply(method, owner, given);
}

/** A member under its name when there is one, for spreading. */
export function optionalAt<K extends string, T>(
  owner: Members,
  name: K,
  where: string,
  read: (value: unknown, where: string) => T,
): { readonly [P in K]?: T } {
  const value = owner[name];
  return value === undefined ? {} : { [name]: read(value, `${where}.${name}`) } as { [P in K]: T };
}

function unexpected(value: unknown, where: string, wanted: string): ShapeError {
  const found = value === undefined
    ? "missing"
    : value === null
    ? "null"
    : Array.isArray(value)
    ? "a list"
    : typeof value === "string"
    ? excerpt(value)
    : typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : `of type ${typeof value}`;
  return new ShapeError(`${where} is ${found}, expected ${wanted}`);
}
