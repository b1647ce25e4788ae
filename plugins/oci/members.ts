/** Reading the members of manifests, strictly. Each function throws `OCI_MANIFEST`. */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { excerpt } from "../../core/text.ts";
import { MAX_ANNOTATION_BYTES, MAX_DESCRIPTORS } from "./limits.ts";

/** Names and values that say something about a manifest or a descriptor. */
export type Annotations = Readonly<Record<string, string>>;

/** What a manifest is refused with. */
export function malformed(message: string): ModelSigningError {
  return new ModelSigningError("OCI_MANIFEST", message);
}

/** An object. */
export function objectOf(value: Json | undefined, where: string): JsonObject {
  if (isObject(value)) return value;
  throw malformed(`${where} is ${value === undefined ? "missing" : "no object"}`);
}

/** A list of what may be many. */
export function listOf(value: Json | undefined, where: string): readonly Json[] {
  if (!Array.isArray(value)) {
    throw malformed(`${where} is ${value === undefined ? "missing" : "no list"}`);
  }
  if (value.length > MAX_DESCRIPTORS) {
    throw malformed(`${where} has ${value.length} members, more than ${MAX_DESCRIPTORS}`);
  }
  return value;
}

/** A text that is not empty. */
export function textOf(value: Json | undefined, where: string): string {
  if (typeof value === "string" && value !== "") return value;
  throw malformed(`${where} is ${value === undefined ? "missing" : "no text"}`);
}

/** A number of bytes. */
export function sizeOf(value: Json | undefined, where: string): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw malformed(`${where} is ${value === undefined ? "missing" : "no size in bytes"}`);
}

/**
 * A media type, with parameters when it has some: RFC 6838 4.2, RFC 9110 8.3.1. Those of one document are
 * compared to known ones; others are only shown.
 */
export function mediaTypeOf(value: Json | undefined, where: string): string {
  const text = textOf(value, where);
  if (text.length <= 255 && MEDIA_TYPE.test(text)) return text;
  throw malformed(`${where} is ${excerpt(text)}, expected a media type`);
}

const MEDIA_TYPE = /^[\w.+!#$&^-]+\/[\w.+!#$&^-]+(?:; *[\w.+!#$&^-]+=[\w.+!#$&^"-]+)*$/;

/** Annotations; undefined when there are none. */
export function annotationsOf(value: Json | undefined, where: string): Annotations | undefined {
  // Go's encoder writes null for a map that was never made.
  if (value === undefined || value === null) return undefined;
  for (const [name, text] of Object.entries(objectOf(value, where))) {
    if (typeof text !== "string") throw malformed(`${where}[${excerpt(name)}] is no text`);
    if (isTooLong(name, text)) {
      throw malformed(`${where}[${excerpt(name)}] has more than ${MAX_ANNOTATION_BYTES} bytes`);
    }
  }
  return value as Annotations;
}

/** Those of the annotations that can be read; undefined when there is no object of them. */
export function readableAnnotations(value: Json | undefined): Annotations | undefined {
  if (!isObject(value)) return undefined;
  const readable = Object.entries(value).filter((entry): entry is [string, string] =>
    typeof entry[1] === "string" && !isTooLong(entry[0], entry[1])
  );
  return Object.fromEntries(readable);
}

function isTooLong(name: string, text: string): boolean {
  return Buffer.byteLength(name) + Buffer.byteLength(text) > MAX_ANNOTATION_BYTES;
}
