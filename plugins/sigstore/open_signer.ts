/** From settings to a signer: everything that can be found out before the model is hashed is. */

import { ModelSigningError } from "../../core/errors.ts";
import { type Hints, withHints } from "../../core/hint.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Secret } from "../../core/secret.ts";
import type { OpenedSigner } from "../../core/signer.ts";
import { quote } from "../../core/text.ts";
import { userFolders } from "../../core/user_folders.ts";
import { requireConsent } from "./consent.ts";
import { type TokenSource, tokenSource } from "./oidc/mod.ts";
import { servicesOf, sigstoreSigner } from "./sigstore_signer.ts";
import type { Trust } from "./trust/mod.ts";

/** Who signs, with which instance. */
export type SignerChoice = {
  /** A token, or `@` and the path of a file that holds one. */
  readonly identityToken: Secret | undefined;
  /** Whether to use the machine's own credentials. */
  readonly ambient: boolean;
  /** Whether a person types a code in, instead of being sent back by the browser. */
  readonly outOfBand: boolean;
  /** The OAuth client, and the audience of every token. */
  readonly clientId: string;
  readonly clientSecret: Secret | undefined;
  readonly trust: Trust;
  readonly env: Readonly<Record<string, string | undefined>>;
};

const ELSEWHERE = "give --identity-token, or --use-ambient-credentials where the machine has some";

/** Of trust without services to sign with. */
const CONFIG: Hints = {
  SIGNING_CONFIG_UNUSABLE:
    "give a ClientTrustConfig message that has a signing config (--trust-config)",
};

/** What else there is for whom a source has no token. */
const HINTS: Readonly<Record<TokenSource["kind"], Hints>> = {
  given: {},
  ambient: {
    TOKEN_UNAVAILABLE: "give --identity-token, or sign in by leaving out --use-ambient-credentials",
  },
  interactive: { INTERACTION_UNAVAILABLE: ELSEWHERE },
};

/** Where somebody was there to ask, the browser's answer may be what does not arrive. */
const LATER: Hints = {
  INTERACTION_UNAVAILABLE: `${ELSEWHERE}, or --oauth-force-oob to type in a code`,
};

/**
 * Chooses the services and the source of the identity token. A given token is checked now; the others are
 * obtained once the model is hashed, so that they cannot run out before.
 *
 * @throws {ModelSigningError} `SIGNING_CONFIG_…`, `TOKEN_…`, `ABORTED` when publishing is declined
 */
export async function openSigner(
  { trust, ...choice }: SignerChoice,
  options: RunOptions,
): Promise<OpenedSigner> {
  const services = await withHints(CONFIG, () => servicesOf(trust, new Date()));
  const source = sourceOf(choice, services.oidc?.url, trust.origin.name);
  await withHints(HINTS[source.kind], () => source.prepare(options));
  if (source.kind === "interactive") {
    await requireConsent(services, userFolders(choice.env).cache, options);
  }
  const later = source.kind === "interactive" && !choice.outOfBand ? LATER : HINTS[source.kind];
  const token = (run: RunOptions) => withHints(later, () => source.token(run));
  return sigstoreSigner({ trust, tokenSource: { token } });
}

function sourceOf(
  { identityToken, clientSecret, ...choice }: Omit<SignerChoice, "trust">,
  issuer: string | undefined,
  name: string,
): TokenSource {
  if (issuer === undefined && identityToken === undefined && !choice.ambient) {
    throw new ModelSigningError(
      "SIGNING_CONFIG_UNUSABLE",
      `the signing config in ${quote(name)} names no identity provider to log in with`,
      { hint: "give --identity-token or --use-ambient-credentials" },
    );
  }
  return tokenSource({
    ...choice,
    issuer: issuer ?? "",
    ...(identityToken ? { identityToken } : {}),
    ...(clientSecret ? { clientSecret } : {}),
  });
}
