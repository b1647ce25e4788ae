/** A token service as `docker-registry` trusts one (distribution's "Token Authentication Implementation"). */

import { Buffer } from "node:buffer";
import { randomUUID, sign } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { derOf, type Pki } from "./pki.ts";
import { DOCKER_USER } from "./registry.ts";

/** A running service. */
export type TokenService = AsyncDisposable & {
  readonly realm: string;
  readonly issuer: string;
  /** File of the certificate that vouches for its key. */
  readonly certificates: string;
  /** Scopes that tokens were given for, oldest first. */
  readonly scopes: readonly string[];
};

const LIFETIME_S = 300;

/** Starts a service on loopback that gives tokens to {@link DOCKER_USER}, and refuses others. */
export async function startTokenService(pki: Pki): Promise<TokenService> {
  const issuer = "token-service";
  const root = pki.root();
  const { certificate, key } = pki.leaf(root);
  const scopes: string[] = [];
  const { username, password } = DOCKER_USER;
  const user = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const server = createServer((request, response) => {
    const { searchParams } = new URL(request.url!, "http://127.0.0.1");
    if (request.headers.authorization !== user) {
      response.writeHead(401).end();
      return;
    }
    const scope = searchParams.get("scope") ?? "";
    scopes.push(scope);
    const [type, name, actions = ""] = scope.split(":");
    const now = Math.floor(Date.now() / 1000);
    const header = {
      ...{ typ: "JWT", alg: "ES256" },
      x5c: [certificate, root.certificate].map((file) =>
        Buffer.from(derOf(file)).toString("base64")
      ),
    };
    const claims = {
      ...{ iss: issuer, sub: username, aud: searchParams.get("service"), jti: randomUUID() },
      ...{ iat: now, nbf: now - 10, exp: now + LIFETIME_S },
      access: [{ type, name, actions: actions.split(",") }],
    };
    const signed = [header, claims].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url")
    ).join(".");
    const signature = sign("sha256", Buffer.from(signed), {
      key: readFileSync(key, "utf8"),
      dsaEncoding: "ieee-p1363",
    });
    response.writeHead(200, { "content-type": "application/json" });
    response.end(JSON.stringify({ token: `${signed}.${signature.toString("base64url")}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    realm: `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`,
    issuer,
    certificates: root.certificate,
    scopes,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
