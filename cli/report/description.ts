/** What a bundle claims about its signer, unverified. */

import type { Bundle, Description, Registry } from "../../core/mod.ts";
import { certificateLines } from "./identity.ts";

/** The words of the first method that knows the bundle's material. */
export async function describeBundle(
  registry: Registry,
  bundle: Bundle,
): Promise<Description | undefined> {
  for (const { describer } of registry.all("verifier")) {
    const description = await describer.describe(bundle);
    if (description) return description;
  }
  return undefined;
}

/** Lines that tell who signed: the leaf certificate where there is one, and the method's own words. */
export function signerLines(description: Description): readonly string[] {
  const [leaf] = description.certificates;
  return [
    ...(leaf ? certificateLines(leaf) : []),
    ...description.fields.map(([label, value]) => `${label} ${value}`),
  ];
}
