/** Requests to one repository of a registry. */

import { ModelSigningError } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Secret } from "../../core/secret.ts";
import { printable } from "../../core/text.ts";
import {
  type ConnectionTrust,
  type HttpRequest,
  type HttpResponse,
  type HttpStream,
  isLoopback,
  openRequest,
  request,
} from "../_http/mod.ts";
import { type Access, RegistryAuth } from "./auth.ts";
import { type CredentialSource, isDockerHub } from "./credentials.ts";
import { CHECK_HINT, LOGIN_HINT } from "./token.ts";

/** How a registry is spoken to. */
export type RegistrySettings = {
  /** Asked when the registry wants to know who is there. Default: nobody. */
  readonly credentials?: CredentialSource;
  /**
   * Speak HTTP without encryption. Default: with loopback hosts only, unless `trust` is given. Whoever sits on the
   * line then sees credentials, and decides what a tag leads to.
   */
  readonly plainHttp?: boolean;
  /** Authorities that the registry's certificate may be from, besides the public ones. */
  readonly trust?: ConnectionTrust;
};

/** A request to a repository. */
export type RepositoryRequest = {
  readonly method?: HttpRequest["method"];
  /** Below `/v2/NAME/`, or an address that the registry gave. */
  readonly at: string | URL;
  readonly access: Access;
  /** What it is about, for messages, safe to print: "manifest v1". */
  readonly what: string;
  /** Without credentials; those are added when they are asked for. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** Statuses that are an answer, besides 200 to 299. */
  readonly statuses?: readonly number[];
  /** Statuses that say that it is not there, besides 404. */
  readonly missing?: readonly number[];
  /** The error for an answer that is too large, instead of `NETWORK_RESPONSE`. */
  readonly tooLarge?: ModelSigningError;
  /** Whether nobody but the registry itself can answer. */
  readonly within?: boolean;
  /** How often it is sent again when it fails. */
  readonly retries?: number;
};

/** Speaks to one repository: with its base address, its authentication and its words for refusals. */
export class Transport {
  readonly #repository: string;
  readonly #settings: RegistrySettings;
  readonly #auth: RegistryAuth;
  /** The base address. */
  readonly origin: URL;
  /** `HOST/REPOSITORY`, as in the reference. */
  readonly name: string;

  /** Connects to nothing yet. */
  constructor(registry: string, repository: string, settings: RegistrySettings) {
    const host = isDockerHub(registry) ? "registry-1.docker.io" : registry;
    const loopback = isLoopback(new URL(`http://${host}`).hostname);
    const plain = settings.plainHttp ?? (loopback && settings.trust === undefined);
    this.origin = new URL(`${plain ? "http" : "https"}://${host}`);
    this.name = `${registry}/${repository}`;
    this.#repository = repository;
    this.#settings = settings;
    const { credentials, trust } = settings;
    this.#auth = new RegistryAuth({
      origin: this.origin,
      registry,
      repository,
      credentials,
      trust,
    });
  }

  /** An address of the repository. */
  url(path: string): URL {
    return new URL(`/v2/${this.#repository}/${path}`, this.origin);
  }

  /** Sends a request and reads the answer. Throws `OCI_NOT_FOUND`, `OCI_UNAUTHORIZED`, `OCI_CREDENTIALS`, `NETWORK_*`. */
  async request(
    asked: RepositoryRequest,
    maxBytes: number,
    options: RunOptions,
  ): Promise<HttpResponse> {
    const limits = { maxBytes, ...(asked.tooLarge ? { tooLarge: asked.tooLarge } : {}) };
    return await this.#authenticated(
      asked,
      options,
      (authenticated) => request({ ...authenticated, ...limits }, options),
    );
  }

  /** Sends a request and hands out the answer's body. Throws like {@link request}. */
  async open(asked: RepositoryRequest, options: RunOptions): Promise<HttpStream> {
    return await this.#authenticated(asked, options, async (authenticated) => {
      const answer = await openRequest(authenticated, options);
      if (answer.status === 401) await answer.body.cancel();
      return answer;
    });
  }

  async #authenticated<T extends { readonly status: number; readonly headers: Headers }>(
    asked: RepositoryRequest,
    options: RunOptions,
    send: (asked: HttpRequest) => Promise<T>,
  ): Promise<T> {
    const url = typeof asked.at === "string" ? this.url(asked.at) : asked.at;
    if (url.origin !== this.origin.origin) {
      // An upload to a storage host, with what it needs in its address.
      return await send(this.#request(asked, url, undefined, false));
    }
    const known = this.#auth.known(asked.access);
    const first = await send(this.#request(asked, url, known, true));
    if (first.status !== 401) return first;
    const challenge = first.headers.get("www-authenticate");
    const answer = await this.#auth.answer(challenge, asked.access, known, options);
    return await send(this.#request(asked, url, answer, false));
  }

  /** @param mayAsk whether an answer may be that credentials are wanted */
  #request(
    asked: RepositoryRequest,
    url: URL,
    authorization: Secret | undefined,
    mayAsk: boolean,
  ): HttpRequest {
    const { method = "GET", headers = {}, body, statuses = [], retries, within } = asked;
    const { trust } = this.#settings;
    return {
      service: "the registry",
      url,
      method,
      headers: {
        // Digests are of what is sent: no other encoding is of use.
        "accept-encoding": "identity",
        ...headers,
        ...(authorization ? { authorization: authorization.reveal() } : {}),
      },
      ...(body ? { body } : {}),
      ...(retries === undefined ? {} : { retries }),
      // Only the registry itself may ask for credentials, never where it redirected to.
      accepts: (status, foreign) =>
        (status >= 200 && status < 300) || (!foreign && statuses.includes(status)) ||
        (status === 401 && mayAsk && !foreign),
      redirects: {
        plainHttp: (target) => isLoopback(target.hostname) || this.#settings.plainHttp === true,
        ...(within === undefined ? {} : { within }),
      },
      ...(trust ? { trust } : {}),
      secrets: this.#auth.secrets,
      refusal: (status, said, foreign) =>
        // Where the registry redirected to, nobody can be asked for credentials; what is not there is not there.
        foreign && status !== 404 ? undefined : this.#refusal(status, said, asked, authorization),
    };
  }

  #refusal(
    status: number,
    said: string,
    { access, what, missing = [] }: RepositoryRequest,
    authorization: Secret | undefined,
  ): ModelSigningError | undefined {
    const name = printable(this.name);
    if (status === 404 || missing.includes(status)) {
      return new ModelSigningError("OCI_NOT_FOUND", `there is no ${what} in ${name}${said}`);
    }
    if (status === 401 || status === 403) {
      const how = access === "pull" ? "to pull" : "to push";
      return new ModelSigningError(
        "OCI_UNAUTHORIZED",
        `the registry refuses ${how}: ${name} answered with status ${status}${said}`,
        { hint: authorization ? CHECK_HINT : LOGIN_HINT },
      );
    }
    return undefined;
  }
}
