/** Where an identity token comes from. */

import type { RunOptions } from "../../../core/options.ts";
import type { Secret } from "../../../core/secret.ts";
import { ambientToken } from "./ambient.ts";
import { givenToken } from "./given.ts";
import { interactiveToken } from "./interactive.ts";
import type { IdentityToken } from "./token.ts";

/** Obtains an identity token. */
export interface TokenSource {
  /** A given token exists already and runs out; the other kinds are obtained when they are needed. */
  readonly kind: "given" | "ambient" | "interactive";
  /** Names the source in logs. */
  readonly description: string;
  /**
   * Finds out what can be found out without asking anybody: called before hours of hashing.
   *
   * @throws {ModelSigningError} what {@link token} would throw, as far as it is known already
   */
  prepare(options: RunOptions): Promise<void>;
  /**
   * Obtains a token, a new one each time if the source can.
   *
   * @throws {ModelSigningError} `TOKEN_…` for a token that is not usable or none, `NETWORK_…`, `FILE_UNREADABLE`,
   * `INTERACTION_UNAVAILABLE`, `ABORTED`
   */
  token(options: RunOptions): Promise<IdentityToken>;
}

/** What was asked for. */
export type TokenChoice = {
  /** A token, or `@` and the path of a file that holds one. */
  readonly identityToken?: Secret;
  /** Whether to use the machine's credentials. */
  readonly ambient: boolean;
  /** The OpenID provider for signing in. */
  readonly issuer: string;
  /** The client that signs in; also the audience that every token must have. */
  readonly clientId: string;
  readonly clientSecret?: Secret;
  /** Whether a person types a code in, instead of being sent back by the browser. */
  readonly outOfBand: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
};

/** The source that applies: the given token, else the ambient credentials if asked for, else signing in. */
export function tokenSource(choice: TokenChoice): TokenSource {
  const { identityToken, ambient, clientId: audience, env } = choice;
  if (identityToken !== undefined) return givenToken(identityToken, audience);
  if (ambient) return ambientToken({ audience, env });
  return interactiveToken(choice);
}
