/** What a bundle claims about its signer, unverified. */

import type { Bundle, Description, Registry } from "../../core/mod.ts";
import { certificateLines } from "./identity.ts";
import type { Line } from "./page.ts";

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

/** Lines that tell who signed: in the method's own words, and the leaf certificate where there is one. */
export function signerLines({ fields, certificates: [leaf] }: Description): readonly Line[] {
  return [...fields, ...(leaf ? certificateLines(leaf) : [])];
}
