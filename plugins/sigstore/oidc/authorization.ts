/** One authorization code flow (OpenID Connect Core 3.1), with PKCE (RFC 7636). */

import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { ModelSigningError } from "../../../core/errors.ts";
import type { RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { excerpt, quote } from "../../../core/text.ts";
import { requestJson } from "../../_http/mod.ts";
import { type OpenIdProvider, PROVIDER } from "./discovery.ts";
import { claimsOf, MAX_TOKEN_ANSWER_BYTES } from "./jwt.ts";
import { type IdentityToken, parseIdentityToken } from "./token.ts";

/** Who asks for the token. */
export type OAuthClient = {
  readonly clientId: string;
  readonly clientSecret?: Secret;
};

/** 256 bits that nobody can guess, 43 characters (RFC 7636 4.1). */
export function unguessable(): string {
  return randomBytes(32).toString("base64url");
}

/** A request for a token, before a person has agreed and after. */
export class Authorization {
  readonly #provider: OpenIdProvider;
  readonly #client: OAuthClient;
  readonly #redirectUri: string;
  readonly #verifier: Secret = new Secret(unguessable());
  readonly #nonce: string = unguessable();
  /** What the person's browser opens. */
  readonly url: URL;

  /** Begins a flow whose answer goes to `redirectUri` and carries `state`. */
  constructor(
    provider: OpenIdProvider,
    client: OAuthClient,
    { redirectUri, state }: { readonly redirectUri: string; readonly state: string },
  ) {
    this.#provider = provider;
    this.#client = client;
    this.#redirectUri = redirectUri;
    this.url = new URL(provider.authorizationEndpoint);
    const parameters = {
      response_type: "code",
      client_id: client.clientId,
      redirect_uri: redirectUri,
      scope: "openid email",
      state,
      nonce: this.#nonce,
      code_challenge: createHash("sha256").update(this.#verifier.reveal()).digest("base64url"),
      code_challenge_method: "S256",
    };
    for (const [name, value] of Object.entries(parameters)) this.url.searchParams.set(name, value);
  }

  /**
   * Exchanges the code for the ID token, and checks it as Core 3.1.3.7 demands. By its clause 6 TLS stands in
   * for the token's signature.
   *
   * @throws {ModelSigningError} `NETWORK_…`, `TOKEN_…`, `ABORTED`
   */
  async redeem(code: Secret, options: RunOptions): Promise<IdentityToken> {
    const { clientId, clientSecret } = this.#client;
    // Sigstore's own client has an empty secret, which is none.
    const basic = clientSecret?.reveal() ? basicAuth(clientId, clientSecret) : undefined;
    const { json } = await requestJson({
      service: PROVIDER,
      url: this.#provider.tokenEndpoint,
      method: "POST",
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        ...(basic ? { authorization: basic.reveal() } : {}),
      },
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code: code.reveal(),
        redirect_uri: this.#redirectUri,
        code_verifier: this.#verifier.reveal(),
        // RFC 6749 4.1.3: from clients that do not authenticate.
        ...(basic ? {} : { client_id: clientId }),
      }).toString(),
      maxBytes: MAX_TOKEN_ANSWER_BYTES,
      // A code can be exchanged once.
      retries: 0,
      secrets: [code, this.#verifier, ...(basic && clientSecret ? [clientSecret] : [])]
        .map((secret) => secret.reveal()),
    }, options);
    if (typeof json["id_token"] !== "string") {
      throw new ModelSigningError("NETWORK_RESPONSE", `${PROVIDER} answered without an "id_token"`);
    }
    return this.#checked(new Secret(json["id_token"]));
  }

  #checked(token: Secret): IdentityToken {
    const identity = parseIdentityToken(token, this.#client.clientId);
    const { issuer } = this.#provider;
    if (identity.issuer !== issuer) {
      throw new ModelSigningError(
        "NETWORK_RESPONSE",
        `${PROVIDER} gave a token of ${excerpt(identity.issuer)}, expected ${quote(issuer)}`,
      );
    }
    if (claimsOf(token)["nonce"] !== this.#nonce) {
      throw new ModelSigningError(
        "NETWORK_RESPONSE",
        `${PROVIDER} gave a token with another "nonce" than was asked for`,
      );
    }
    return identity;
  }
}

/** RFC 6749 2.3.1, which every provider must support: the two are form-encoded first. */
function basicAuth(clientId: string, clientSecret: Secret): Secret {
  const pair = [clientId, clientSecret.reveal()].map(encodeURIComponent).join(":");
  return new Secret(`Basic ${Buffer.from(pair).toString("base64")}`);
}
