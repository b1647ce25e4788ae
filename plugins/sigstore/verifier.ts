/** Verification of a model's Sigstore signature. */

import type { Bundle } from "../../core/bundle.ts";
import { failedCheck } from "../../core/check.ts";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { SignatureVerification, Verifier } from "../../core/verifier.ts";
import { envelopeContent } from "./content.ts";
import type { SignerPolicy } from "./policy.ts";
import type { Trust } from "./trust/mod.ts";
import { type SignedEntity, verifyEntity } from "./verify.ts";

/** The policy of {@link sigstoreVerifier}. */
export type SigstoreVerifierOptions = SignerPolicy & {
  /** From `builtinTrust`, `selectTrust` or a file of one's own. */
  readonly trust: Trust;
  /** This machine's clock. Decides nothing, but the report says when it cannot be right. */
  readonly now?: Date;
};

/**
 * Makes a verifier that accepts signatures by one identity, with certificates of a Sigstore instance. It never
 * makes a network connection.
 *
 * Checks, in this order: `trust-root`, `signature`, `certificate-chain`, `certificate-usage`,
 * `certificate-log`, `transparency-log`, `timestamps`, `identity`, `identity-provider`.
 *
 * @throws {ModelSigningError} `USAGE` when identity or issuer is empty
 */
export function sigstoreVerifier(options: SigstoreVerifierOptions): Verifier {
  if (options.identity === "" || options.issuer === "") {
    throw new ModelSigningError("USAGE", "the expected identity or its provider is empty");
  }
  return {
    async verify(bundle: Bundle, { signal }: RunOptions): Promise<SignatureVerification> {
      throwIfAborted(signal);
      const entity = entityOf(bundle);
      if (entity === undefined) return otherMethod(bundle);
      const { trust, identity, issuer, now } = options;
      const result = await verifyEntity(entity, {
        trust,
        policy: { identity, issuer },
        ...(now ? { now } : {}),
      });
      throwIfAborted(signal);
      return result;
    },
  };
}

/** The signature of a bundle that was made with Sigstore; undefined for another method's. */
export function entityOf({ material, ...bundle }: Bundle): SignedEntity | undefined {
  // A leaf without chain and log entries is written by the Go tool's certificate method (OMS 1).
  if (material.kind !== "certificate" || bundle.tlogEntries.length === 0) return undefined;
  return {
    content: envelopeContent(bundle.envelope),
    certificate: material.certificate,
    tlogEntries: bundle.tlogEntries,
    timestamps: bundle.timestamps,
  };
}

function otherMethod({ material }: Bundle): SignatureVerification {
  const [made, method] = material.kind === "public-key"
    ? ["with a key", "key"]
    : ["with a certificate, and is in no transparency log", "certificate"];
  return {
    checks: [failedCheck("signature", {
      code: "BUNDLE_MATERIAL",
      message: `the signature was made ${made}, expected a Sigstore signature`,
      hint: `verify it with the method ${method}`,
    })],
    timestamps: [],
  };
}
