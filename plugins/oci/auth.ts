/** Authenticating to one repository of a registry. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { printable } from "../../core/text.ts";
import type { ConnectionTrust } from "../_http/mod.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import type { Credentials, CredentialSource } from "./credentials.ts";
import { basicAuthorization, LOGIN_HINT, requestToken, secretsOf } from "./token.ts";

/** What is to be done with a repository. */
export type Access = "pull" | "pull,push";

/** Whom to authenticate to. */
export type AuthSettings = {
  /** The base address of the API. */
  readonly origin: URL;
  /** As in the reference; credentials are looked up by it. */
  readonly registry: string;
  readonly repository: string;
  readonly credentials: CredentialSource | undefined;
  readonly trust: ConnectionTrust | undefined;
};

/**
 * Answers a registry's challenges and remembers the answers. Nothing is sent, and no credentials are looked up,
 * before the registry asks.
 */
export class RegistryAuth {
  readonly #settings: AuthSettings;
  /** Values of the `Authorization` header, the newest for each access. Whether they are accepted, the registry says. */
  readonly #answers: Map<Access, Secret> = new Map();
  #credentials: Promise<Credentials | undefined> | undefined;
  readonly #secrets: Set<string> = new Set();

  /** Asks for nothing yet. */
  constructor(settings: AuthSettings) {
    this.#settings = settings;
  }

  /** Texts that were sent and must not be shown. */
  get secrets(): readonly string[] {
    return [...this.#secrets];
  }

  /** The header that answered the last challenge, if there was one. */
  known(access: Access): Secret | undefined {
    return this.#answers.get(access);
  }

  /**
   * The header that answers a challenge.
   *
   * @param header `WWW-Authenticate`
   * @param used the header that was just refused
   * @throws {ModelSigningError} `OCI_UNAUTHORIZED`, `OCI_CREDENTIALS`, `NETWORK_*`
   */
  async answer(
    header: string | null,
    access: Access,
    used: Secret | undefined,
    options: RunOptions,
  ): Promise<Secret> {
    // Another request has already got a newer one.
    const known = this.#answers.get(access);
    if (known && known !== used) return known;
    const challenges = parseChallenges(header ?? "");
    const bearer = challenges.find(({ scheme }) => scheme === "bearer");
    const basic = challenges.find(({ scheme }) => scheme === "basic");
    if (!bearer && !basic) {
      throw this.#unauthorized(
        "asks for authentication in no way that is known here (Basic, Bearer)",
      );
    }
    const credentials = await this.#find(options);
    const answer = new Secret(
      bearer ? await this.#bearer(bearer, credentials, access, options) : this.#basic(credentials),
    );
    this.#secrets.add(answer.reveal().replace(/^[A-Za-z]+ /, ""));
    this.#answers.set(access, answer);
    return answer;
  }

  #basic(credentials: Credentials | undefined): string {
    if (credentials?.kind === "password") {
      return basicAuthorization(credentials.username, credentials.password);
    }
    throw this.#unauthorized(
      credentials ? "asks for a password, and only a token is at hand" : "asks for a password",
      LOGIN_HINT,
    );
  }

  async #bearer(
    challenge: Challenge,
    credentials: Credentials | undefined,
    access: Access,
    options: RunOptions,
  ): Promise<string> {
    if (credentials?.kind === "registry-token") return `Bearer ${credentials.token.reveal()}`;
    const { origin, repository, trust } = this.#settings;
    const scope = `repository:${repository}:${access}`;
    const asked = { challenge, scope, registry: origin, credentials, trust };
    const token = await requestToken(asked, options);
    return `Bearer ${token.reveal()}`;
  }

  async #find(options: RunOptions): Promise<Credentials | undefined> {
    const { credentials, registry, repository } = this.#settings;
    this.#credentials ??= credentials?.find(registry, repository, options) ??
      Promise.resolve(undefined);
    try {
      const found = await this.#credentials;
      for (const secret of found ? secretsOf(found) : []) this.#secrets.add(secret);
      return found;
    } catch (error) {
      // The next run may have more time, or somebody to ask.
      this.#credentials = undefined;
      throw error;
    }
  }

  #unauthorized(found: string, hint?: string): ModelSigningError {
    const message = `the registry (${printable(this.#settings.origin.host)}) ${found}`;
    return new ModelSigningError(
      "OCI_UNAUTHORIZED",
      message,
      hint === undefined ? {} : { hint },
    );
  }
}
