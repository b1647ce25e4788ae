/** Signing with a key that lives for one signature, and a certificate that says who held it. */

import { generateKeyPairSync } from "node:crypto";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { publicKeyDer, signBytes } from "../../core/keys.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Signed, Signer, Witness } from "../../core/signer.ts";
import { isoTime } from "../_x509/mod.ts";
import { requestCertificate } from "./fulcio.ts";
import type { IdentityToken, TokenSource } from "./oidc/mod.ts";
import type { ChosenServices } from "./services.ts";
import { logWitness, timestampWitness } from "./witnesses.ts";

/** What a Sigstore signature is made with. */
export type ServiceSignerOptions = {
  readonly services: ChosenServices;
  /** Asked once for each signature, when there is something to sign: after hashing. */
  readonly tokenSource: Pick<TokenSource, "token">;
};

/** A Sigstore signature: who signed is in the certificate. */
export type SigstoreSigned = Signed & {
  readonly material: { readonly kind: "certificate"; readonly certificate: Uint8Array };
};

/**
 * Makes the signer, and the witnesses that the chosen services demand: one for each log and each timestamp
 * authority.
 */
export function serviceSigner(
  options: ServiceSignerOptions,
): { readonly signer: Signer; readonly witnesses: readonly Witness[] } {
  const { logs, timestampAuthorities } = options.services;
  return {
    signer: {
      sign: (pae, run) => signOnce(pae, options, run),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    },
    witnesses: [...logs.map(logWitness), ...timestampAuthorities.map(timestampWitness)],
  };
}

/**
 * Signs bytes that are not hashed yet (ECDSA on P-256 with SHA-256): gets a token, makes a key, has it certified,
 * signs, and drops the key.
 *
 * @throws {ModelSigningError} `TOKEN_EXPIRED`, `NETWORK_RESPONSE`, what the token source and `requestJson` throw
 */
export async function signOnce(
  bytes: Uint8Array,
  { services, tokenSource }: ServiceSignerOptions,
  options: RunOptions,
): Promise<SigstoreSigned> {
  throwIfAborted(options.signal);
  const token = await tokenSource.token(options);
  requireUnexpired(token);
  throwIfAborted(options.signal);
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { url } = services.certificateAuthority;
  const { der } = await requestCertificate({ url, token, publicKey, privateKey }, options);
  // Only now: what is signed is claimed to be the holder's of this certificate.
  return {
    signature: signBytes(privateKey, bytes),
    publicKey: publicKeyDer(publicKey),
    material: { kind: "certificate", certificate: der },
  };
}

/** A token that was checked before hashing may have expired since. */
function requireUnexpired({ expires }: IdentityToken): void {
  const now = new Date();
  if (now < expires) return;
  throw new ModelSigningError(
    "TOKEN_EXPIRED",
    `the identity token expired at ${isoTime(expires)}, and this machine's clock says ${
      isoTime(now)
    }`,
    { hint: "the source is asked after hashing: let it obtain a new token then" },
  );
}
