/** An OpenID provider and a person with a browser, each as well-behaved as a test wants them. */

import type { ServerResponse } from "node:http";
import { ModelSigningError } from "../../../../core/errors.ts";
import type { Interaction } from "../../../../core/options.ts";
import { Secret } from "../../../../core/secret.ts";
import { type Asked, json, type LoopbackServer, loopbackServer } from "./_server.ts";
import { jwt } from "./_token.ts";

/** The code that the provider hands out. */
export const CODE = "authorization-code-0123456789";

/** What a provider does otherwise than a good one. */
export type Behaviour = {
  /** Members of the configuration; undefined leaves one out. */
  readonly configuration?: Readonly<Record<string, unknown>>;
  /** Answers the request for the configuration. */
  readonly discovery?: (response: ServerResponse) => void;
  /** Claims of the token. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Answers the exchange of the code. */
  readonly exchange?: (asked: Asked, response: ServerResponse) => void;
};

/** The provider. */
export type Provider = LoopbackServer & {
  readonly issuer: string;
  /** The tokens that it gave. */
  readonly tokens: readonly string[];
  /** Requests to its token endpoint. */
  readonly exchanges: readonly Asked[];
};

/** Starts a provider. Its authorization endpoint is only an address: the browser of these tests goes back at once. */
export async function provider(behaviour: Behaviour = {}): Promise<Provider> {
  const tokens: string[] = [];
  const exchanges: Asked[] = [];
  let nonce: string | null = null;
  const server = await loopbackServer((asked, response) => {
    switch (asked.url.pathname) {
      case "/auth/.well-known/openid-configuration":
        return behaviour.discovery
          ? behaviour.discovery(response)
          : json(response, configuration());
      case "/auth/authorize":
        nonce = asked.url.searchParams.get("nonce");
        return response.end("log in here");
      default:
        exchanges.push(asked);
        if (behaviour.exchange) return behaviour.exchange(asked, response);
        tokens.push(jwt({ iss: issuer, nonce, email: "me@example.com", ...behaviour.claims }));
        json(response, { token_type: "Bearer", access_token: "another", id_token: tokens.at(-1) });
    }
  });
  const issuer = `${server.origin}/auth`;
  const configuration = () => ({
    issuer,
    authorization_endpoint: `${issuer}/authorize?tenant=1`,
    token_endpoint: `${issuer}/token/`,
    ...behaviour.configuration,
  });
  return { ...server, issuer, tokens, exchanges };
}

/** A person. */
export type Person = Interaction & {
  /** What they were told. */
  readonly told: string[];
  /** Addresses that were opened for them. */
  readonly opened: string[];
  /** Settles when their browser is done. */
  browsing: Promise<void>;
};

/** How the browser goes back: with which parameters besides the state, or by doing something else. */
export type Return = Readonly<Record<string, string>> | ((back: URL) => Promise<void>);

/** A person whose browser loads the page of the provider and goes back. */
export function person(back: Return = { code: CODE }, more: Partial<Interaction> = {}): Person {
  const told: string[] = [];
  const opened: string[] = [];
  return {
    told,
    opened,
    browsing: Promise.resolve(),
    openBrowser(url) {
      opened.push(url);
      this.browsing = browse(url, back);
      return Promise.resolve(true);
    },
    tell: (text) => void told.push(text),
    ask: () => nobody(),
    askSecret: () => nobody(),
    confirm: () => nobody(),
    ...more,
  };
}

/** A person without a browser here, who enters what `answer` gives. */
export function personElsewhere(answer: Interaction["ask"]): Person {
  return person({}, { openBrowser: () => Promise.resolve(false), ask: answer });
}

/** The address in a text that a person was told. */
export function addressIn(told: readonly string[]): URL {
  return new URL(/https?:\/\/\S+/.exec(told.join("\n"))?.[0] ?? "");
}

/** Loads a page and gives its text. */
export async function load(url: URL | string, init: RequestInit = {}): Promise<[number, string]> {
  const response = await fetch(url, init);
  return [response.status, await response.text()];
}

/** A client secret. */
export const CLIENT_SECRET: Secret = new Secret("p&ss:word of the client");

async function browse(url: string, back: Return): Promise<void> {
  await load(url);
  const asked = new URL(url).searchParams;
  const to = new URL(asked.get("redirect_uri") ?? "");
  to.searchParams.set("state", asked.get("state") ?? "");
  if (typeof back === "function") return await back(to);
  for (const [name, value] of Object.entries(back)) to.searchParams.set(name, value);
  await load(to);
}

function nobody(): Promise<never> {
  return Promise.reject(new ModelSigningError("INTERACTION_UNAVAILABLE", "no terminal"));
}
