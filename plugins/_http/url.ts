/** Addresses of services. */

import { isIP } from "node:net";
import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import { excerpt } from "../../core/text.ts";

/**
 * Parses the address of a service and appends a path. Plain HTTP is for loopback only: what a service answers
 * is checked, but tokens are sent to it.
 *
 * @param what names the service in messages
 * @param plainHttp allow it everywhere, for services that are sent no secret and whose answers are signed
 * @throws {ModelSigningError} `code`
 */
export function serviceUrl(
  base: string,
  path: string,
  what: string,
  code: ErrorCode,
  { plainHttp = false }: { readonly plainHttp?: boolean } = {},
): URL {
  let url: URL;
  try {
    url = new URL(base);
  } catch {
    throw new ModelSigningError(
      code,
      // What cannot be parsed may hold credentials all the same.
      `the address of ${what} is ${excerpt(base.replace(/[^/]*@/g, "…@"))}, which is no URL`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ModelSigningError(code, `the address of ${what} holds credentials`);
  }
  const plain = url.protocol === "http:" && (plainHttp || isLoopback(url.hostname));
  if (url.protocol !== "https:" && !plain) {
    throw new ModelSigningError(
      code,
      `the address of ${what} is ${excerpt(base)}, expected https://, or http://${
        plainHttp ? "" : " on loopback"
      }`,
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
