/** JSON with one thing changed. */

import { Buffer } from "node:buffer";
import type { Loose } from "./bundles.ts";

/** A changed bundle and what was changed. */
export type Variant = { readonly what: string; readonly json: Loose };

/** Names of members and places in lists, from the outside in. */
type Path = readonly (string | number)[];

/** Every leaf of a JSON value: its path and its value. */
export function* leaves(value: Loose, path: Path = []): Generator<
  { readonly path: Path; readonly value: Loose }
> {
  if (value !== null && typeof value === "object") {
    for (const [key, member] of Object.entries(value)) yield* leaves(member, [...path, key]);
  } else yield { path, value };
}

/** The JSON with another value at a path; undefined leaves the member out. */
export function replaced(json: Loose, path: Path, value: Loose): Loose {
  const copy = structuredClone(json);
  let holder = copy;
  for (const key of path.slice(0, -1)) holder = holder[key];
  if (value === undefined) delete holder[path.at(-1)!];
  else holder[path.at(-1)!] = value;
  return copy;
}

/**
 * Other values of the same kind. Of a timestamp only the ends are changed: it brings its authority's certificates,
 * which no signature of its own covers.
 */
function otherValues(value: Loose, isTimestamp: boolean): readonly Loose[] {
  if (typeof value === "number") return [value + 1, value === 0 ? 7 : value - 1];
  if (/^[0-9]+$/.test(value)) return [String(Number(value) + 1), value === "0" ? "7" : "0"];
  if (value.includes("\n")) return otherNotes(value);
  const bytes = Buffer.from(value, "base64");
  if (bytes.length < 16 || bytes.toString("base64") !== value) return [`${value}x`];
  const at = [0, 1, ...(isTimestamp ? [] : [bytes.length >> 1]), bytes.length - 1];
  return [
    ...at.map((index) => flipped(bytes, index)),
    bytes.subarray(0, -1).toString("base64"),
    Buffer.concat([bytes, Buffer.of(0)]).toString("base64"),
  ];
}

/** A checkpoint with each of its lines changed, left out, and doubled. */
function otherNotes(note: string): readonly string[] {
  const lines = note.split("\n");
  return lines.flatMap((line, index) => [
    lines.with(index, `${line}x`).join("\n"),
    ...(line === "" ? [] : [lines.with(index, line.slice(0, -1)).join("\n")]),
    lines.toSpliced(index, 1).join("\n"),
    lines.toSpliced(index, 0, "0").join("\n"),
    lines.with(index, line.replace(/^\u2014 ./, "\u2014 x")).join("\n"),
  ]).filter((changed) => changed !== note);
}

/** The bundle without the checkpoint's signatures by others than the log: they are not trusted, so not looked at. */
export function withoutCosignatures(json: Loose): Loose {
  const { checkpoint } = json.verificationMaterial.tlogEntries[0].inclusionProof;
  const [text, signatures] = checkpoint.envelope.split("\n\n");
  const [origin] = text.split("\n");
  const own = signatures.split("\n").filter((line: string) =>
    origin.startsWith(line.split(" ")[1]!)
  );
  checkpoint.envelope = `${text}\n\n${own[0]}\n`;
  return json;
}

/** The bytes with one bit flipped, in base64. */
export function flipped(bytes: Uint8Array, index: number): string {
  const copy = Buffer.from(bytes);
  copy[index]! ^= 1;
  return copy.toString("base64");
}

/** Every leaf changed in several ways, and every leaf left out. */
export function* variants(json: Loose): Generator<Variant> {
  for (const { path, value } of leaves(json)) {
    const where = path.join(".");
    for (const [index, other] of otherValues(value, /signedTimestamp$/.test(where)).entries()) {
      yield { what: `${where} (${index})`, json: replaced(json, path, other) };
    }
    yield { what: `${where} left out`, json: replaced(json, path, undefined) };
  }
}
