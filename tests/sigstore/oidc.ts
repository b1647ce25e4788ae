/**
 * An OpenID Connect issuer: discovery, the authorization code flow with PKCE (RFC 7636), and its keys. Whoever
 * asks is logged in at once, as the identity that was set.
 */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import { type Asked, json, Refused, type Reply, text } from "./http.ts";
import { type Claims, publicJwk, signJwt } from "./jwt.ts";
import { type Key, newKey, sha256 } from "./keys.ts";

/** Clients that may ask, with their secrets; Fulcio takes tokens for each of them. */
export const CLIENTS: Readonly<Record<string, string>> = {
  sigstore: "",
  confidential: "secret of the loopback Sigstore",
};

/** Redirects to this address show the code instead (OAuth 2.0 for installed applications). */
const OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob";

/** How long a token is valid: a minute less than Fulcio's certificates. */
const TOKEN_SECONDS = 9 * 60;

/** A code that was handed out. */
type Grant = {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly challenge: string;
  readonly nonce: string | null;
};

/** The issuer. */
export class OidcIssuer {
  readonly url: string;
  readonly key: Key = newKey("P-256");
  /** Who logs in. */
  identity: Claims;
  readonly #defaultIdentity: Claims;
  readonly #grants = new Map<string, Grant>();

  /** @param url its address, which is also its name */
  constructor(url: string, email: string) {
    this.url = url;
    this.#defaultIdentity = { sub: `loopback|${email}`, email, email_verified: true };
    this.identity = this.#defaultIdentity;
  }

  /** Forgets who was to log in, and codes that were not used. */
  reset(): void {
    this.identity = this.#defaultIdentity;
    this.#grants.clear();
  }

  /**
   * Signs a token for the identity that logs in.
   *
   * @param claims replace those of the token; null leaves one out
   */
  token(claims: Claims = {}): string {
    const now = Math.floor(Date.now() / 1000);
    const all = {
      iss: this.url,
      aud: "sigstore",
      iat: now,
      exp: now + TOKEN_SECONDS,
      ...this.identity,
      ...claims,
    };
    return signJwt(
      Object.fromEntries(Object.entries(all).filter(([, it]) => it !== null)),
      this.key,
    );
  }

  /** Answers a request below `/auth`. */
  answer(asked: Asked, lie: string | undefined): Reply {
    const { method, url } = asked;
    switch (`${method} ${url.pathname}`) {
      case "GET /auth/.well-known/openid-configuration":
        return json(this.#configuration(lie));
      case "GET /auth/keys":
        return json({ keys: [publicJwk(this.key)] });
      case "GET /auth/auth":
        return this.#authorize(url.searchParams, lie);
      case "POST /auth/token":
        return this.#exchange(asked, lie);
      default:
        return json({ error: "not_found" }, 404);
    }
  }

  #configuration(lie: string | undefined): Claims {
    return {
      issuer: lie === "other-issuer" ? `${this.url}/other` : this.url,
      authorization_endpoint: `${this.url}/auth`,
      token_endpoint: `${this.url}/token`,
      jwks_uri: `${this.url}/keys`,
      response_types_supported: ["code"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256"],
      scopes_supported: ["openid", "email"],
      code_challenge_methods_supported: ["S256"],
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      claims_supported: ["iss", "aud", "sub", "email", "email_verified", "iat", "exp", "nonce"],
    };
  }

  #authorize(asked: URLSearchParams, lie: string | undefined): Reply {
    const clientId = asked.get("client_id") ?? "";
    const redirectUri = asked.get("redirect_uri") ?? "";
    const state = asked.get("state");
    // RFC 6749 4.1.2.1: these two are never answered with a redirect.
    if (!Object.hasOwn(CLIENTS, clientId)) return text("unknown client_id", 400);
    if (redirectUri !== OUT_OF_BAND && !isLoopback(redirectUri)) {
      return text("redirect_uri is not registered", 400);
    }
    const challenge = asked.get("code_challenge") ?? "";
    const wrong = asked.get("response_type") !== "code"
      ? "unsupported_response_type"
      : !(asked.get("scope") ?? "").split(" ").includes("openid")
      ? "invalid_scope"
      : asked.get("code_challenge_method") !== "S256" || !/^[\w-]{43}$/.test(challenge)
      ? "invalid_request"
      : lie === "denied"
      ? "access_denied"
      : undefined;
    if (wrong !== undefined) return returned(redirectUri, { error: wrong, state });
    const code = randomBytes(24).toString("base64url");
    this.#grants.set(code, { clientId, redirectUri, challenge, nonce: asked.get("nonce") });
    return returned(redirectUri, { code, state: lie === "wrong-state" ? "another" : state });
  }

  #exchange({ headers, body }: Asked, lie: string | undefined): Reply {
    const form = new URLSearchParams(Buffer.from(body).toString("utf8"));
    if (form.get("grant_type") !== "authorization_code") {
      throw new Refused(json({ error: "unsupported_grant_type" }, 400));
    }
    const { clientId, secret } = client(headers.authorization, form);
    if (!Object.hasOwn(CLIENTS, clientId) || CLIENTS[clientId] !== secret) {
      throw new Refused(json({ error: "invalid_client" }, 401));
    }
    const code = form.get("code") ?? "";
    const grant = this.#grants.get(code);
    // A code is good for one try (RFC 6749 4.1.2).
    this.#grants.delete(code);
    const verifier = form.get("code_verifier") ?? "";
    const good = grant !== undefined && grant.clientId === clientId &&
      grant.redirectUri === form.get("redirect_uri") &&
      // RFC 7636 4.1 and 4.6
      /^[\w.~-]{43,128}$/.test(verifier) &&
      sha256(verifier).toString("base64url") === grant.challenge;
    if (!good) throw new Refused(json({ error: "invalid_grant" }, 400));
    const token = this.token({ aud: clientId, nonce: grant.nonce, ...LYING_CLAIMS[lie ?? ""] });
    return json(
      {
        // Dex, which Sigstore's public instance runs, makes both the same.
        access_token: token,
        id_token: token,
        token_type: "bearer",
        expires_in: TOKEN_SECONDS,
      },
      200,
      { "cache-control": "no-store" },
    );
  }
}

/** Claims of the tokens that a lying issuer hands out. */
const LYING_CLAIMS: Readonly<Record<string, Claims>> = {
  "wrong-nonce": { nonce: "another" },
  "wrong-audience": { aud: "another" },
  "expired": { iat: 1_700_000_000, exp: 1_700_000_600 },
};

function returned(to: string, parameters: Readonly<Record<string, string | null>>): Reply {
  const given = Object.entries(parameters).filter((entry): entry is [string, string] =>
    entry[1] !== null
  );
  if (to === OUT_OF_BAND) return text(parameters["code"] ?? parameters["error"] ?? "");
  const location = new URL(to);
  for (const [name, value] of given) location.searchParams.set(name, value);
  return { ...text("", 302), headers: { location: location.href } };
}

/** RFC 8252 7.3: any port. */
function isLoopback(uri: string): boolean {
  if (!URL.canParse(uri)) return false;
  const { protocol, hostname } = new URL(uri);
  return protocol === "http:" && ["127.0.0.1", "localhost", "[::1]"].includes(hostname);
}

/** The client's name and secret: Basic (RFC 6749 2.3.1) or in the form. */
function client(
  authorization: string | undefined,
  form: URLSearchParams,
): { readonly clientId: string; readonly secret: string } {
  const basic = /^Basic (.+)$/i.exec(authorization ?? "")?.[1];
  if (basic === undefined) {
    return { clientId: form.get("client_id") ?? "", secret: form.get("client_secret") ?? "" };
  }
  const [name = "", ...rest] = Buffer.from(basic, "base64").toString("utf8").split(":");
  // Both are form-encoded before they are put together.
  const decode = (part: string) => new URLSearchParams(`it=${part}`).get("it") ?? "";
  return { clientId: decode(name), secret: decode(rest.join(":")) };
}
