/** Addresses of services. */

import { isIP } from "node:net";
import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import { excerpt } from "../../core/text.ts";

/**
 * Parses the address of a service and appends a path. Plain HTTP is for loopback only: what a service answers
 * is checked, but tokens are sent to it.
 *
 * @param what names the service in messages
 * @throws {ModelSigningError} `code`
 */
export function serviceUrl(base: string, path: string, what: string, code: ErrorCode): URL {
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw new ModelSigningError(
      code,
      `the address of ${what} is ${excerpt(base)}, which is no URL`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ModelSigningError(code, `the address of ${what} holds credentials`);
  }
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopback(url.hostname))) {
    throw new ModelSigningError(
      code,
      `the address of ${what} is ${excerpt(base)}, expected https://, or http:// on loopback`,
    );
  }
  url.pathname = url.pathname.replace(/\/+$/, "") + path;
  return url;
}

/** Whether a URL's host can only be this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
