/** JSON near good JSON: one of its leaves is mutated inside of its encoding, so that parsers come to read it. */

import { Buffer } from "node:buffer";
import fc from "fast-check";
import type { Loose } from "../support/bundles.ts";
import { leaves, replaced } from "../support/mutations.ts";
import { mutated } from "./_mutated.ts";

/** The values with one leaf of one of them mutated. */
export function mutatedJson(good: readonly Loose[]): fc.Arbitrary<Loose> {
  const places = good.flatMap((json) => [...leaves(json)].map((leaf) => ({ json, ...leaf })));
  return fc.constantFrom(...places).chain(({ json, path, value }) =>
    otherLeaf(value).map((other) => replaced(json, path, other))
  );
}

function otherLeaf(value: Loose): fc.Arbitrary<Loose> {
  if (typeof value !== "string") return fc.oneof(fc.integer(), fc.double(), fc.jsonValue());
  const bytes = Buffer.from(value, "base64");
  if (bytes.length >= 8 && bytes.toString("base64") === value) {
    return mutated([bytes]).map((other) => Buffer.from(other).toString("base64"));
  }
  return mutated([Buffer.from(value)]).map((other) => Buffer.from(other).toString("utf8"));
}
