/** What a user is known to a registry by. */

import type { RunOptions } from "../../core/options.ts";
import type { Secret } from "../../core/secret.ts";

/** What a registry, or the token service that it names, is told. */
export type Credentials =
  | { readonly kind: "password"; readonly username: string; readonly password: Secret }
  /** A refresh token, which the token service takes for an access token. */
  | { readonly kind: "identity-token"; readonly token: Secret }
  /** An access token, which the registry takes as it is. */
  | { readonly kind: "registry-token"; readonly token: Secret };

/** An access token: a visible ASCII text, as a header can carry it. */
export const ACCESS_TOKEN: RegExp = /^[\x21-\x7e]+$/;

/** Knows credentials of registries. */
export interface CredentialSource {
  /**
   * The credentials for a repository, or undefined when there are none: the registry may let anybody in. Called only
   * when a registry asked for them.
   *
   * @param registry host, with the port if there is one, as in the reference
   * @throws {ModelSigningError} `OCI_CREDENTIALS` when they cannot be had
   */
  find(
    registry: string,
    repository: string,
    options: RunOptions,
  ): Promise<Credentials | undefined>;
}

/** The same user for every registry that is asked. */
export function passwordCredentials(username: string, password: Secret): CredentialSource {
  return { find: () => Promise.resolve({ kind: "password", username, password }) };
}

/** The names that Docker Hub goes by. */
const DOCKER_HUB: readonly string[] = ["docker.io", "index.docker.io", "registry-1.docker.io"];

/** Whether a registry is Docker Hub, which has one name for people, one for its API and one for credentials. */
export function isDockerHub(registry: string): boolean {
  return DOCKER_HUB.includes(registry);
}
