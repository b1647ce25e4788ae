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
      `the address of ${what} is ${shown(base)}, which is no URL`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw new ModelSigningError(code, `the address of ${what} holds credentials`);
  }
  const plain = url.protocol === "http:" && (plainHttp || isLoopback(url.hostname));
  if (url.protocol !== "https:" && !plain) {
    throw new ModelSigningError(
      code,
      `the address of ${what} is ${shown(base)}, expected https://, or http://${
        plainHttp ? "" : " on loopback"
      }`,
    );
  }
  // Without anything to append the address is used as it was given: "/tsa/" need not be "/tsa".
  if (path === "") return url;
  // From the beginning of a run only: else the time grows with the square of a length that a service decides.
  url.pathname = url.pathname.replace(/(?<!\/)\/+$/, "") + path;
  return url;
}

/** An address for messages. What is no URL of a service may hold credentials all the same: `user:password@host`. */
function shown(base: string): string {
  return excerpt(base.replace(/(?<![^/])[^/]*@/g, "...@"));
}

/** Whether a URL's host can only be this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
