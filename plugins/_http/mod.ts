/** Requests to services over HTTP, with limits on everything that the other end decides. */

export { type HttpRequest, type HttpResponse, request, requestJson } from "./request.ts";
export { serviceUrl } from "./url.ts";
