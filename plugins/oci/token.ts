/** Access tokens of a registry's token service (distribution's "Token Authentication" and "OAuth2" specifications). */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { excerpt, printable } from "../../core/text.ts";
import { type ConnectionTrust, type HttpRequest, isLoopback, requestJson } from "../_http/mod.ts";
import type { Challenge } from "./challenge.ts";
import { ACCESS_TOKEN, type Credentials } from "./credentials.ts";
import { MAX_TOKEN_ANSWER_BYTES } from "./limits.ts";

/** What a token is asked for. */
export type TokenRequest = {
  /** The registry's answer, with the service's address as `realm`. */
  readonly challenge: Challenge;
  /** What is to be done: `repository:NAME:pull`. The challenge may want more. */
  readonly scope: string;
  /** Whose they are, as a URL's host. */
  readonly registry: URL;
  readonly credentials: Credentials | undefined;
  readonly trust: ConnectionTrust | undefined;
};

/**
 * Asks the token service that a registry names.
 *
 * The service may be on another host, as Docker Hub's is, and gets the credentials: they are for this registry, which
 * could as well have asked for them itself. They leave encrypted: the service must be at https, or be on loopback,
 * or on the host of a registry that is itself spoken to without encryption. Redirects are not followed.
 *
 * @throws {ModelSigningError} `OCI_UNAUTHORIZED` when it refuses or the challenge is unusable, `NETWORK_*`
 */
export async function requestToken(asked: TokenRequest, options: RunOptions): Promise<Secret> {
  const { challenge, registry, credentials, trust } = asked;
  const url = serviceAddress(challenge.parameters.get("realm") ?? "", registry);
  const scopes = mergedScopes(asked.scope, challenge.parameters.get("scope"));
  const service = challenge.parameters.get("service");
  const common: HttpRequest = {
    service: "the registry's token service",
    url,
    ...(trust ? { trust } : {}),
    secrets: credentials ? secretsOf(credentials) : [],
    refusal: (status, said) =>
      [400, 401, 403].includes(status)
        ? new ModelSigningError(
          "OCI_UNAUTHORIZED",
          `the token service of ${printable(registry.host)} (${printable(url.host)}) refuses ` +
            `${credentials ? "the credentials" : "access without credentials"}${said}`,
          { hint: credentials ? CHECK_HINT : LOGIN_HINT },
        )
        : undefined,
  };
  const { json } = await requestJson({
    ...common,
    ...(credentials?.kind === "identity-token"
      ? refresh(credentials.token, scopes, service)
      : basic(url, credentials, scopes, service)),
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
  }, options);
  const token = json["token"] ?? json["access_token"];
  if (typeof token === "string" && ACCESS_TOKEN.test(token)) return new Secret(token);
  throw new ModelSigningError(
    "NETWORK_RESPONSE",
    `the registry's token service (${url.host}) answered without a token`,
  );
}

/** What a user can do who has not logged in. */
export const LOGIN_HINT =
  "log in with docker login, podman login or oras login, or give a user name and password";

/** What a user can do whose credentials are refused. */
export const CHECK_HINT = "log in again, or check that the user may do this with the repository";

/** The value of an `Authorization` header (RFC 7617). Throws `OCI_CREDENTIALS` for what it cannot carry. */
export function basicAuthorization(username: string, password: Secret): string {
  if (username.includes(":") || /[\x00-\x1f\x7f]/.test(username)) {
    throw new ModelSigningError(
      "OCI_CREDENTIALS",
      `the user name ${excerpt(username)} holds a colon or control characters`,
    );
  }
  return `Basic ${Buffer.from(`${username}:${password.reveal()}`).toString("base64")}`;
}

/** Texts that give away credentials. */
export function secretsOf(credentials: Credentials): readonly string[] {
  if (credentials.kind !== "password") return [credentials.token.reveal()];
  const { username, password } = credentials;
  return [
    password.reveal(),
    Buffer.from(`${username}:${password.reveal()}`).toString("base64"),
  ].filter((text) => text !== "");
}

/** "Token Authentication": the scopes in the query, the user in a header. */
function basic(
  url: URL,
  credentials: Credentials | undefined,
  scopes: readonly string[],
  service: string | undefined,
): Pick<HttpRequest, "url" | "headers"> {
  const address = new URL(url);
  if (service !== undefined) address.searchParams.set("service", service);
  for (const scope of scopes) address.searchParams.append("scope", scope);
  if (credentials?.kind !== "password") return { url: address };
  const { username, password } = credentials;
  return { url: address, headers: { authorization: basicAuthorization(username, password) } };
}

/** "OAuth2": a form with the refresh token. */
function refresh(
  token: Secret,
  scopes: readonly string[],
  service: string | undefined,
): Pick<HttpRequest, "method" | "headers" | "body"> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    client_id: "model-signing",
    ...(service === undefined ? {} : { service }),
    scope: scopes.join(" "),
    refresh_token: token.reveal(),
  });
  return {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
  };
}

/** What is to be done and what the challenge asks for: a look at a blob is challenged for less than its upload. */
function mergedScopes(own: string, challenged: string | undefined): readonly string[] {
  const repository = own.slice(0, own.lastIndexOf(":") + 1);
  const actions = new Set(own.slice(repository.length).split(","));
  const others: string[] = [];
  for (const scope of challenged?.split(" ") ?? []) {
    if (!scope.startsWith(repository)) others.push(scope);
    else for (const action of scope.slice(repository.length).split(",")) actions.add(action);
  }
  return [repository + [...actions].join(","), ...others].filter((scope) => scope !== "");
}

function serviceAddress(realm: string, registry: URL): URL {
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  const safe = url?.protocol === "https:" ||
    (url?.protocol === "http:" && registry.protocol === "http:" &&
      (isLoopback(url.hostname) || url.hostname === registry.hostname));
  if (!url || !safe || url.username !== "" || url.password !== "") {
    throw new ModelSigningError(
      "OCI_UNAUTHORIZED",
      `the registry (${printable(registry.host)}) names ${excerpt(realm)} as its token service, ` +
        "expected an address with https://",
    );
  }
  return url;
}
