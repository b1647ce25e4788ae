/** Who may do what at the test registry, and the tokens for it. */

import { Buffer } from "node:buffer";
import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** How the registry wants to be talked to. */
export type AuthKind = "none" | "basic" | "bearer";

/** The one user of the registry. */
export const USERNAME = "ada";
/** Their password. */
export const PASSWORD = "pa:ss/wörd";
/** Their refresh token. */
export const IDENTITY_TOKEN = "identity-token-of-ada";

/** Gives tokens and checks them. */
export class Access {
  kind: AuthKind = "none";
  /** Whether tokens for pulling are given to anybody. */
  anonymousPull = false;
  /** The token service, if it is not the registry's own. */
  realm: string | undefined;
  readonly #tokens: Map<string, string> = new Map();

  /** Makes all tokens useless. */
  expire(): void {
    this.#tokens.clear();
  }

  /** Whether a request may be carried out. */
  allows(headers: IncomingHttpHeaders, repository: string, push: boolean): boolean {
    if (this.kind === "none") return true;
    if (this.kind === "basic") return isUser(headers.authorization);
    const token = /^Bearer (.+)$/.exec(headers.authorization ?? "")?.[1] ?? "";
    const scope = this.#tokens.get(token) ?? "";
    return scope === `repository:${repository}:pull,push` ||
      (!push && scope === `repository:${repository}:pull`);
  }

  /** What a request without the right is told. */
  challenge(base: string, repository: string, push: boolean): string {
    if (this.kind === "basic") return 'Basic realm="test"';
    const scope = `repository:${repository}:${push ? "pull,push" : "pull"}`;
    return `Bearer realm="${
      this.realm ?? `${base}/token`
    }",service="test \\"registry\\"",scope="${scope}"`;
  }

  /** What the token service answers: a token, or undefined for a refusal. */
  token(url: URL, headers: IncomingHttpHeaders, body: string): string | undefined {
    const form = body === "" ? url.searchParams : new URLSearchParams(body);
    const scope = form.get("scope") ?? "";
    const refreshed = form.get("grant_type") === "refresh_token" &&
      form.get("refresh_token") === IDENTITY_TOKEN && form.get("client_id") !== null;
    const anybody = this.anonymousPull && headers.authorization === undefined &&
      scope.endsWith(":pull");
    if (form.get("service") !== 'test "registry"') return undefined;
    if (!refreshed && !anybody && !isUser(headers.authorization)) return undefined;
    const token = randomBytes(16).toString("hex");
    this.#tokens.set(token, scope);
    return token;
  }
}

function isUser(authorization: string | undefined): boolean {
  const expected = Buffer.from(`${USERNAME}:${PASSWORD}`).toString("base64");
  return authorization === `Basic ${expected}`;
}
