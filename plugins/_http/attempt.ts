/** One attempt at a request: its deadline, its redirects, its answer. */

import { Buffer } from "node:buffer";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { RunOptions } from "../../core/options.ts";
import { Failure, MAX_REASON_BYTES, networkReason, refusal } from "./failure.ts";
import type { HttpRequest } from "./http_request.ts";
import { DEFAULT_TIMEOUT_MS, SLOWEST_BYTES_PER_MS } from "./limits.ts";

/** Redirects in a row. Registries need one or two. */
const MAX_REDIRECTS = 5;

/** What another origin is told of a request: nothing that could be a credential. */
const HARMLESS_HEADERS: readonly string[] = [
  "accept",
  "accept-encoding",
  "range",
  "user-agent",
];

/** One attempt. Disposing of it ends a body that was not read to its end. */
export class Attempt implements Disposable {
  readonly #asked: HttpRequest;
  readonly #headers: Headers;
  readonly #options: RunOptions;
  readonly #deadline: AbortController = new AbortController();
  readonly #signal: AbortSignal;
  readonly #timeout: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #waited = 0;
  #hasHead = false;
  #betweenBytes = false;
  #url: URL;
  #foreign = false;
  /** Ends the wait for a part of a body. */
  #endWait: (() => void) | undefined;

  /**
   * Sends nothing yet.
   *
   * @param headers what `asked` has, and what every request has
   */
  constructor(asked: HttpRequest, headers: Headers, options: RunOptions) {
    this.#asked = asked;
    this.#headers = headers;
    this.#options = options;
    this.#url = asked.url;
    this.#timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
    this.#signal = options.signal
      ? AbortSignal.any([options.signal, this.#deadline.signal])
      : this.#deadline.signal;
    this.#signal.addEventListener("abort", () => this.#endWait?.());
  }

  /** Whom the request has come to, for messages. */
  get where(): string {
    return `${this.#asked.service} (${this.#url.host})`;
  }

  /** True once a redirect has led to another origin. */
  get foreign(): boolean {
    return this.#foreign;
  }

  /** The address that answered. */
  get url(): URL {
    return this.#url;
  }

  /** Starts the clock again. */
  startClock(): void {
    this.stopClock();
    this.#betweenBytes = this.#hasHead;
    this.#waited = this.#timeout +
      (this.#betweenBytes ? 0 : Math.ceil((this.#asked.body?.length ?? 0) / SLOWEST_BYTES_PER_MS));
    this.#timer = setTimeout(() => this.#deadline.abort(), this.#waited);
  }

  /** Stops the clock. */
  stopClock(): void {
    clearTimeout(this.#timer);
  }

  /** Stops the clock and ends a body that is still under way. */
  [Symbol.dispose](): void {
    this.stopClock();
    this.#deadline.abort();
  }

  /** Sends the request and follows redirects. Throws a {@link Failure} for a status that is no answer. */
  async head(): Promise<Response> {
    this.startClock();
    for (let redirects = 0;; redirects++) {
      const response = await fetch(this.#url, this.#init());
      if (this.#redirect(response, redirects)) {
        await response.body?.cancel();
        continue;
      }
      const accepts = this.#asked.accepts ?? ((status) => status >= 200 && status < 300);
      if (!accepts(response.status, this.#foreign)) {
        const body = await this.bodyOf(response, MAX_REASON_BYTES);
        throw refusal(this.#asked, this.where, response, body, this.#foreign);
      }
      this.#hasHead = true;
      return response;
    }
  }

  /**
   * Waits for the next part of a body, until the attempt ends. The runtime cannot be relied on for that: after a garbage
   * collection, Deno 2.9.6 does not tell a body any more that the signal of its request has fired.
   */
  async next<T>(reader: ReadableStreamDefaultReader<T>): Promise<ReadableStreamReadResult<T>> {
    if (this.#signal.aborted) throw this.#signal.reason;
    const { promise, resolve, reject } = Promise.withResolvers<ReadableStreamReadResult<T>>();
    this.#endWait = () => reject(this.#signal.reason);
    reader.read().then(resolve, reject);
    try {
      return await promise;
    } catch (error) {
      // Lets go of the connection; how the body would have ended does not matter any more.
      reader.cancel().catch(() => {});
      throw error;
    } finally {
      this.#endWait = undefined;
    }
  }

  /** A body as a whole, or undefined when it is longer than allowed. */
  async bodyOf({ body }: Response, maxBytes: number): Promise<Uint8Array | undefined> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const reader = body?.getReader();
    while (reader) {
      const { done, value } = await this.next(reader);
      if (done) break;
      length += value.length;
      if (length > maxBytes) {
        await reader.cancel();
        return undefined;
      }
      chunks.push(value);
    }
    return Buffer.concat(chunks);
  }

  /** What an error of the runtime means, as something to throw. Gives `ABORTED` and failures through. */
  failure(error: unknown): unknown {
    if (error instanceof Failure) return error;
    try {
      throwIfAborted(this.#options.signal);
    } catch (aborted) {
      return aborted;
    }
    if (this.#deadline.signal.aborted) {
      const late = this.#betweenBytes ? "sent nothing more for" : "did not answer within";
      return new Failure(
        new ModelSigningError(
          "NETWORK_TIMEOUT",
          `${this.where} ${late} ${this.#waited / 1000} s`,
        ),
        false,
      );
    }
    // The runtimes' errors name addresses and headers in ways of their own; the reason is enough.
    const reason = networkReason(error);
    return new Failure(
      this.#hasHead
        ? new ModelSigningError(
          "NETWORK_RESPONSE",
          `the answer of ${this.where} broke off${reason}`,
        )
        : new ModelSigningError("NETWORK_UNREACHABLE", `cannot reach ${this.where}${reason}`),
      true,
    );
  }

  #init(): RequestInit {
    const { method = "GET", body, trust } = this.#asked;
    const told = this.#foreign
      ? [...this.#headers].filter(([name]) => HARMLESS_HEADERS.includes(name))
      : [...this.#headers];
    return {
      ...trust?.init,
      method,
      headers: told,
      ...(body === undefined ? {} : { body: body as BodyInit }),
      redirect: "manual",
      signal: this.#signal,
    };
  }

  /** Moves on to where a redirect points. Gives false when the answer is none that may be followed. */
  #redirect({ status, headers }: Response, redirects: number): boolean {
    const { method = "GET", redirects: allowed } = this.#asked;
    const location = headers.get("location");
    if (!allowed || ![301, 302, 303, 307, 308].includes(status) || location === null) return false;
    if (method !== "GET" && method !== "HEAD") return false;
    if (redirects === MAX_REDIRECTS) {
      throw this.#wrongRedirect(`redirected the request more than ${MAX_REDIRECTS} times`);
    }
    // Not shown: signed addresses let anybody in who has them.
    const target = URL.canParse(location, this.#url) ? new URL(location, this.#url) : undefined;
    if (target === undefined || target.username !== "" || target.password !== "") {
      throw this.#wrongRedirect("redirected the request to an unusable address");
    }
    if (allowed.within && target.origin !== this.#url.origin) return false;
    const encrypted = target.protocol === "https:";
    const unencrypted = target.protocol === "http:" && this.#url.protocol === "http:";
    if (!encrypted && !(unencrypted && allowed.plainHttp(target))) {
      throw this.#wrongRedirect(
        `redirected the request to ${target.protocol}//${target.host}, expected https://`,
      );
    }
    this.#foreign ||= target.origin !== this.#url.origin;
    this.#url = target;
    return true;
  }

  #wrongRedirect(found: string): Failure {
    return new Failure(new ModelSigningError("NETWORK_RESPONSE", `${this.where} ${found}`), false);
  }
}
