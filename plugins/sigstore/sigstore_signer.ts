/** Signing with a Sigstore instance, as a library uses it. */

import { ModelSigningError } from "../../core/errors.ts";
import type { OpenedSigner } from "../../core/signer.ts";
import { quote } from "../../core/text.ts";
import type { Verifier } from "../../core/verifier.ts";
import type { TokenSource } from "./oidc/mod.ts";
import { chooseServices, type ChosenServices } from "./services.ts";
import { serviceSigner } from "./signer.ts";
import { parseSigningConfig } from "./signing_config.ts";
import type { Trust } from "./trust/mod.ts";
import { sigstoreVerifier } from "./verifier.ts";

/** What {@link sigstoreSigner} signs with. */
export type SigstoreSignerOptions = {
  /** The instance: its signing config says which services there are, and its trust what they must prove. */
  readonly trust: Trust;
  /** Asked once for each signature, when there is something to sign. */
  readonly tokenSource: Pick<TokenSource, "token">;
  /** The time by which services are chosen. Default: now. */
  readonly now?: Date;
};

/**
 * Makes a signer that signs with an identity: a certificate for one signature, entries in the logs and timestamps as
 * the instance's signing config demands, and a verifier that the finished bundle must pass. Give all three to
 * `signModel`.
 *
 * @throws {ModelSigningError} `SIGNING_CONFIG_MALFORMED`, `SIGNING_CONFIG_UNUSABLE`
 */
export function sigstoreSigner(
  { trust, tokenSource, now = new Date() }: SigstoreSignerOptions,
): OpenedSigner {
  const services = servicesOf(trust, now);
  return { ...serviceSigner({ services, tokenSource }), verifier: anySigner(trust) };
}

/** The services that an instance signs with at a time. Throws like {@link sigstoreSigner}. */
export function servicesOf({ signingConfig, origin: { name } }: Trust, now: Date): ChosenServices {
  if (signingConfig === undefined) {
    throw new ModelSigningError(
      "SIGNING_CONFIG_UNUSABLE",
      `${quote(name)} says whom to trust, and not which services to sign with`,
    );
  }
  return chooseServices(parseSigningConfig(signingConfig, name), now);
}

/**
 * What the finished bundle must pass: everything but that a certain person signed. The certificate was compared
 * with the token when it was issued.
 */
function anySigner(trust: Trust): Verifier {
  return sigstoreVerifier({ trust, identity: /^[^]+$/u, issuer: /^[^]+$/u });
}
