/** Whom a verifier accepts. */

import type { Issue } from "../../core/errors.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { excerpt, quote } from "../../core/text.ts";
import type { Claims } from "./claims.ts";

/** A text that must be met exactly, or a pattern for the whole of it. */
export type ExpectedText = string | RegExp;

/** Who must have signed, and who must vouch for that. */
export type SignerPolicy = {
  /** Such as `dev@example.com`, or the address of a workflow. */
  readonly identity: ExpectedText;
  /** The identity provider, such as `https://accounts.google.com`. */
  readonly issuer: ExpectedText;
};

/**
 * The pattern that a user gives.
 *
 * @param flag names it in messages
 * @throws {ModelSigningError} `USAGE`
 */
export function givenPattern(source: string, flag: string): RegExp {
  try {
    return new RegExp(source, "u");
  } catch {
    throw new ModelSigningError(
      "USAGE",
      `${flag} is ${quote(source)}, which is no regular expression`,
    );
  }
}

/** The finding `IDENTITY_MISMATCH` unless the identity is an expected one. */
export function identityIssue(
  { identity }: Claims,
  { identity: expected }: SignerPolicy,
): Issue | undefined {
  if (meets(identity, expected)) return undefined;
  return {
    code: "IDENTITY_MISMATCH",
    message: `signed by ${excerpt(identity)}, expected ${describe(expected)}`,
    ...hint(identity, expected, "identity"),
  };
}

/** The finding `ISSUER_MISMATCH` unless the identity provider is an expected one. */
export function issuerIssue(
  { issuer }: Claims,
  { issuer: expected }: SignerPolicy,
): Issue | undefined {
  if (meets(issuer, expected)) return undefined;
  return {
    code: "ISSUER_MISMATCH",
    message: `the signer's identity was vouched for by ${excerpt(issuer)}, expected ${
      describe(expected)
    }`,
    ...hint(issuer, expected, "identity provider"),
  };
}

function meets(found: string, expected: ExpectedText): boolean {
  return typeof expected === "string" ? found === expected : wholeText(expected).test(found);
}

/** The pattern for the whole text, wherever it comes from. With its flag m it would be content with a line. */
function wholeText({ source, flags }: RegExp): RegExp {
  return new RegExp(`^(?:${source})$`, flags.replace("m", ""));
}

function describe(expected: ExpectedText): string {
  return typeof expected === "string"
    ? excerpt(expected)
    : `something that matches ${excerpt(given(expected))}`;
}

/** A pattern as it was given: its source has every slash escaped. */
function given({ source }: RegExp): string {
  return source.replace(/\\(.)/gsu, (escape, character) => character === "/" ? "/" : escape);
}

/** Texts that people take for equal. */
function hint(found: string, expected: ExpectedText, what: string): { readonly hint?: string } {
  if (typeof expected !== "string") {
    return found.search(expected) >= 0
      ? { hint: `the pattern has to match the whole ${what}` }
      : {};
  }
  const plain = (text: string) => text.toLowerCase().replace(/\/$/, "");
  return plain(found) === plain(expected)
    ? { hint: `the ${what} must be given exactly as it was signed: ${excerpt(found)}` }
    : {};
}
