/** Finding out what a DER structure is, when it may be one of several or none. */

import { DerError, DerReader, type Element, oid, smallInteger, TAG } from "./reader.ts";

/** The elements one after another in `bytes`, or undefined when that is not what `bytes` is. */
export function elements(bytes: Uint8Array): readonly Element[] | undefined {
  return attempt(() => {
    const found: Element[] = [];
    const reader = new DerReader(bytes);
    while (!reader.done) found.push(reader.next("it"));
    return found;
  });
}

/** The elements of the one SEQUENCE that `bytes` is, or undefined. */
export function sequence(bytes: Uint8Array): readonly Element[] | undefined {
  const outer = elements(bytes);
  const [only] = outer ?? [];
  return outer?.length === 1 && only?.tag === TAG.sequence ? elements(only.content) : undefined;
}

/** Dotted text of an OBJECT IDENTIFIER, or undefined when the element is none. */
export function oidText(element: Element | undefined): string | undefined {
  return element?.tag === TAG.oid ? attempt(() => oid(element.content)) : undefined;
}

/** Value of an INTEGER that is not negative and below 2^31, or undefined. */
export function integerValue(element: Element | undefined): number | undefined {
  return element?.tag === TAG.integer
    ? attempt(() => smallInteger(element.content, "it"))
    : undefined;
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DerError) return undefined;
    throw error;
  }
}
