/** What gives a machine a token. */

import type { RunOptions } from "../../../../core/options.ts";
import type { Secret } from "../../../../core/secret.ts";

/**
 * Where providers are looked for, besides the environment.
 *
 * @internal
 */
export type Places = {
  /** File that holds what the machine's maker calls it. */
  readonly productName: string;
  /** Google Cloud's metadata server, unless the environment names another: HOST or HOST:PORT. */
  readonly metadataHost: string;
  /** The cosign token file. */
  readonly tokenFile: string;
  /** Google's IAM Service Account Credentials API. */
  readonly iamCredentials: string;
};

/** The real ones. */
export const DEFAULT_PLACES: Places = {
  productName: "/sys/class/dmi/id/product_name",
  // By Google's documentation, what is sent there does not leave the physical machine; hence no TLS.
  metadataHost: "metadata.google.internal",
  tokenFile: "/var/run/sigstore/cosign/oidc-token",
  iamCredentials: "https://iamcredentials.googleapis.com",
};

/** What a provider is asked for, and what it may look at. */
export type AmbientRequest = {
  readonly audience: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly places: Places;
};

/** A system that gives its machines tokens. */
export interface AmbientProvider {
  /** Names it in messages. */
  readonly name: string;
  /** What shows that it is there. */
  readonly signs: string;
  /**
   * Whether the machine shows signs of this provider. Asks nobody.
   *
   * @throws {ModelSigningError} `TOKEN_UNAVAILABLE` when it is there and certainly gives no token; `TOKEN_…` when
   * the token is at hand and not usable
   */
  isHere(request: AmbientRequest): Promise<boolean>;
  /**
   * Obtains a token, where the provider is; undefined when it turns out to have no identity to offer.
   *
   * @throws {ModelSigningError} `TOKEN_UNAVAILABLE`, `NETWORK_…`, `FILE_UNREADABLE`, `ABORTED`
   */
  token(request: AmbientRequest, options: RunOptions): Promise<Secret | undefined>;
}
