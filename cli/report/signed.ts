/** What `sign` tells when it is done. */

import { type Description, excerpt, type SignedModelBundle } from "../../core/mod.ts";
import { coverageFields } from "./coverage.ts";
import { signerLines } from "./description.ts";
import { Page, type PageStyle } from "./page.ts";

/** A model that has just been signed. */
export type SignedResult = {
  readonly signed: SignedModelBundle;
  /** Where the signature is. */
  readonly place: string;
  readonly description: Description | undefined;
};

/** What was signed, by whom, and where the signature is. */
export function signedText(
  { signed, place, description }: SignedResult,
  style: PageStyle,
): string {
  const { manifest, rootDigest, coverage } = signed;
  const page = new Page(style);
  page.headline("SIGNED", "good", `model "${manifest.name}"`);
  page.gap();
  page.field("Signature", place);
  if (description) {
    page.field("Signer", [`method ${description.method}`, ...signerLines(description)]);
  }
  coverageFields(page, coverage, manifest.serialization, "not covered by the signature");
  page.field("Root digest", `sha256:${rootDigest}`);
  const bound = Object.entries(manifest.annotations ?? {});
  page.field("Annotations", bound.map(([name, value]) => `${name} is ${excerpt(value)}`));
  return page.toString();
}
