/** Reading the members of the format's JSON documents, strictly. */

import { type IssueCode, Refusal } from "./errors.ts";
import { isObject, type Json, type JsonObject } from "./json.ts";
import { excerpt } from "./text.ts";

/** Readers of one kind of document. Each throws a {@link Refusal}; `where` names the value in it. */
export type Members = {
  object(value: Json | undefined, where: string): JsonObject;
  list(value: Json | undefined, where: string): readonly Json[];
  /** May be empty. */
  text(value: Json | undefined, where: string): string;
  /** Refuses members that are not known: another reader may mind them. */
  only(value: JsonObject, allowed: readonly string[], where: string): void;
  malformed(message: string): Refusal;
};

/** Readers that refuse with a code. */
export function members(code: IssueCode): Members {
  const malformed = (message: string) => new Refusal(code, message);
  const unfit = (value: Json | undefined, where: string, expected: string) =>
    malformed(`${where} is ${shown(value)}, expected ${expected}`);
  return {
    malformed,
    object(value, where) {
      if (!isObject(value)) throw unfit(value, where, "an object");
      return value;
    },
    list(value, where) {
      if (!Array.isArray(value)) throw unfit(value, where, "a list");
      return value;
    },
    text(value, where) {
      if (typeof value !== "string") throw unfit(value, where, "a string");
      return value;
    },
    only(value, allowed, where) {
      for (const member in value) {
        if (!allowed.includes(member)) {
          throw malformed(`${where} has an unknown member ${excerpt(member)}`);
        }
      }
    },
  };
}

/** A value in a message. */
export function shown(value: Json | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return excerpt(value);
  return typeof value === "object"
    ? (Array.isArray(value) ? "a list" : "an object or null")
    : `${value}`;
}
