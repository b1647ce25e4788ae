/** What a request is made of. */

import type { ModelSigningError } from "../../core/errors.ts";
import type { ConnectionTrust } from "./trust.ts";

/** What is asked of a service. */
export type HttpRequest = {
  /** Names the service in messages: "the certificate authority". */
  readonly service: string;
  readonly url: URL;
  readonly method?: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
  /** May hold credentials; never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Statuses that are an answer. Default: 200 to 299. `foreign`: another origin answered, after a redirect. */
  readonly accepts?: (status: number, foreign: boolean) => boolean;
  /**
   * How often a failed request is sent again: after an outage, 429 and 5xx. Only requests that may be carried
   * out twice should be. Default 2.
   */
  readonly retries?: number;
  /**
   * Follow redirects of GET and HEAD, five in a row at most, never from https to http. Another origin is told no
   * header that may be a credential, also when it leads back. Default: a redirect is a status like any other.
   */
  readonly redirects?: {
    /** Whether a redirect from http may lead to this address, which is another one with http. */
    readonly plainHttp: (target: URL) => boolean;
    /** Whether only within the origin that was asked. One that leads out of it is a status like any other. */
    readonly within?: boolean;
  };
  /** Whom the connection trusts besides the public authorities. */
  readonly trust?: ConnectionTrust;
  /** Texts that must not be shown, if the answer repeats them. */
  readonly secrets?: readonly string[];
  /** What the user can do about a status that is no answer. */
  readonly hint?: (status: number) => string | undefined;
  /**
   * The error that a status stands for, instead of `NETWORK_STATUS`.
   *
   * @param said what the service said, safe to print, as the end of a message (`: "no such model"`), or ""
   */
  readonly refusal?: (
    status: number,
    said: string,
    foreign: boolean,
  ) => ModelSigningError | undefined;
};
