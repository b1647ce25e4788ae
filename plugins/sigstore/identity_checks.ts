/** The checks `identity` and `identity-provider`: whether the certificate names whom the verifier expects. */

import { failedCheck, passedCheck, skippedCheck } from "../../core/check.ts";
import { quote } from "../../core/text.ts";
import type { Check } from "../../core/verifier.ts";
import type { ClaimsResult } from "./claims.ts";
import { type ExpectedText, identityIssue, issuerIssue, type SignerPolicy } from "./policy.ts";

/** What is known about the certificate that makes the claims. */
export type ClaimsSource = {
  /** Names it in messages. */
  readonly certificate: string;
  /** Whether a trusted authority has issued it. */
  readonly vouchedFor: boolean;
};

/** Compares claims with a policy. */
export function identityChecks(
  result: ClaimsResult,
  policy: SignerPolicy,
  { certificate, vouchedFor }: ClaimsSource,
): readonly Check[] {
  if (!result.ok) {
    const message = `certificate ${certificate} does not tell who signed: ${result.problem}`;
    return [
      failedCheck("identity", { code: "IDENTITY_MISMATCH", message }),
      skippedCheck("identity-provider", "there is no signer whose identity was vouched for"),
    ];
  }
  const { claims } = result;
  function compared(
    id: string,
    expected: ExpectedText,
    findIssue: typeof identityIssue,
    detail: string,
  ): Check {
    if (typeof expected !== "string" && !vouchedFor) {
      // Over a text that was made for it, a pattern can take for ever, and anybody can make a certificate.
      return skippedCheck(
        id,
        "patterns are compared with certificates of trusted authorities only",
      );
    }
    const issue = findIssue(claims, policy);
    return issue ? failedCheck(id, issue) : passedCheck(id, detail);
  }
  return [
    compared("identity", policy.identity, identityIssue, `signed by ${quote(claims.identity)}`),
    compared(
      "identity-provider",
      policy.issuer,
      issuerIssue,
      `vouched for by ${quote(claims.issuer)}`,
    ),
  ];
}
