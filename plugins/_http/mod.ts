/** Requests to services over HTTP, with limits on everything that the other end decides. */

export type { HttpRequest } from "./http_request.ts";
export { DEFAULT_TIMEOUT_MS, SLOWEST_BYTES_PER_MS } from "./limits.ts";
export { type HttpStream, openRequest } from "./open.ts";
export { type HttpResponse, type Limited, request, requestJson } from "./request.ts";
export { type ConnectionTrust, trustAuthorities } from "./trust.ts";
export { isLoopback, serviceUrl } from "./url.ts";
