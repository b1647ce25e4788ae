/** Verification of every Sigstore bundle: those of certificates as the product does it, and those of keys. */

import type { KeyObject } from "node:crypto";
import { failedCheck, passedCheck } from "../../core/check.ts";
import { publicKeyDer } from "../../core/keys.ts";
import type { Check } from "../../core/verifier.ts";
import { evidenceChecks, verifyEvidence } from "../../plugins/sigstore/evidence_checks.ts";
import type { SignerPolicy } from "../../plugins/sigstore/policy.ts";
import type { Trust } from "../../plugins/sigstore/trust/mod.ts";
import { verifyEntity } from "../../plugins/sigstore/verify.ts";
import type { AnyEntity } from "./sigstore_any_bundle.ts";

/** Who must have signed: somebody that a certificate names, or the owner of a key. */
export type AnyPolicy = SignerPolicy | { readonly publicKey: KeyObject };

/** The checks of a signature; it is accepted when all passed. */
export async function verifyAny(
  entity: AnyEntity,
  { trust, policy }: { readonly trust: Trust; readonly policy: AnyPolicy },
): Promise<readonly Check[]> {
  const { certificate } = entity;
  if ("publicKey" in policy) {
    if (certificate) return [otherSigner("with a certificate, expected a key")];
    return await verifyWithKey(entity, policy.publicKey, trust);
  }
  if (!certificate) return [otherSigner("with a key, expected a certificate")];
  const { checks, identity } = await verifyEntity({ ...entity, certificate }, { trust, policy });
  if (checks.every(({ status }) => status === "passed") === (identity !== undefined)) return checks;
  throw new Error("the identity does not go with the checks");
}

async function verifyWithKey(
  entity: AnyEntity,
  publicKey: KeyObject,
  trust: Trust,
): Promise<readonly Check[]> {
  const evidence = await verifyEvidence(entity, trust, publicKeyDer(publicKey));
  return [
    await entity.content.isSignedBy(publicKey)
      ? passedCheck("signature", "made with the given key")
      : failedCheck("signature", {
        code: "SIGNATURE_INVALID",
        message: "the signature was not made with the given key over this content",
      }),
    ...evidenceChecks(evidence, new Date()),
  ];
}

function otherSigner(found: string): Check {
  const message = `the signature was made ${found}`;
  return failedCheck("signature", { code: "BUNDLE_MATERIAL", message });
}
