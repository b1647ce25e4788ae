/** Reading the members of Sigstore's JSON messages, strictly (ProtoJSON). */

import { Buffer } from "node:buffer";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { excerpt } from "../../core/text.ts";

/** Thrown for a member that is not what it should be. Parsers catch it; it never reaches their callers. */
export class MemberError extends Error {}

/** An object. */
export function objectOf(value: Json | undefined, where: string): JsonObject {
  if (isObject(value)) return value;
  throw new MemberError(`${where} is ${value === undefined ? "missing" : "not an object"}`);
}

/** A list; a missing one is empty, as ProtoJSON leaves empty lists out. */
export function listOf(value: Json | undefined, where: string): readonly Json[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value;
  throw new MemberError(`${where} is not a list`);
}

/** Objects in a list. */
export function objectsOf(value: Json | undefined, where: string): readonly JsonObject[] {
  return listOf(value, where).map((item, index) => objectOf(item, `${where}[${index}]`));
}

/** A text that is not empty. */
export function textOf(value: Json | undefined, where: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw new MemberError(`${where} is ${value === undefined ? "missing" : "not a text"}`);
}

/** Bytes in standard base64, at least one. Nothing but the canonical encoding is taken. */
export function bytesOf(value: Json | undefined, where: string): Uint8Array {
  const text = textOf(value, where);
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text) throw new MemberError(`${where} is not valid base64`);
  return bytes;
}

/** A natural number up to 2^53, which ProtoJSON writes as a text. A missing one is 0. */
export function numberOf(value: Json | undefined, where: string): number {
  if (value === undefined) return 0;
  const number = typeof value === "string" && /^(?:0|[1-9][0-9]*)$/.test(value)
    ? Number(value)
    : value;
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= 0) return number;
  throw new MemberError(`${where} is not a natural number`);
}

/** A time (RFC 3339). */
export function timeOf(value: Json | undefined, where: string): Date {
  const text = textOf(value, where);
  const date = new Date(text);
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/.test(text) || isNaN(+date)) {
    throw new MemberError(
      `${where} is ${excerpt(text)}, expected a time such as 2026-01-01T00:00:00Z`,
    );
  }
  return date;
}

/** A span of time. */
export type Period = {
  readonly start: Date;
  /** Without it the span is open. */
  readonly end?: Date;
};

/** A span of time, which must have a start: whatever is trusted "since ever" has no rule at all. */
export function periodOf(value: Json | undefined, where: string): Period {
  const period = objectOf(value, where);
  const start = timeOf(period["start"], `${where}.start`);
  const end = period["end"];
  if (end === undefined || end === null) return { start };
  return { start, end: timeOf(end, `${where}.end`) };
}

/** Whether a time lies in a span; both ends are included. */
export function contains({ start, end }: Period, at: Date): boolean {
  return at >= start && (end === undefined || at <= end);
}
