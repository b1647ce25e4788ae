/** What an OpenID provider says about itself (OpenID Connect Discovery 1.0). */

import { ModelSigningError } from "../../../core/errors.ts";
import type { JsonObject } from "../../../core/json.ts";
import type { RunOptions } from "../../../core/options.ts";
import { excerpt, quote } from "../../../core/text.ts";
import { requestJson, serviceUrl } from "../../_http/mod.ts";

/** How the provider is named in messages. */
export const PROVIDER = "the identity provider";

/** Bytes of the document; those of large providers have 5 KiB. */
const MAX_DOCUMENT_BYTES = 256 * 1024;

/** What the authorization code flow needs to know. */
export type OpenIdProvider = {
  /** Compared exactly with the `iss` of a token. */
  readonly issuer: string;
  readonly authorizationEndpoint: URL;
  readonly tokenEndpoint: URL;
};

/**
 * Fetches a provider's configuration.
 *
 * @throws {ModelSigningError} `USAGE` for an issuer that is no address of a provider, `NETWORK_…`, `ABORTED`
 */
export async function discover(issuer: string, options: RunOptions): Promise<OpenIdProvider> {
  const url = serviceUrl(issuer, "/.well-known/openid-configuration", PROVIDER, "USAGE");
  if (url.search !== "" || url.hash !== "") {
    throw new ModelSigningError(
      "USAGE",
      `the address of ${PROVIDER} is ${excerpt(issuer)}, expected one without "?" and "#"`,
    );
  }
  const { json } = await requestJson(
    { service: PROVIDER, url, maxBytes: MAX_DOCUMENT_BYTES },
    options,
  );
  // 4.3: identical, or another provider could speak in this one's name.
  if (json["issuer"] !== issuer) {
    throw new ModelSigningError(
      "NETWORK_RESPONSE",
      `${PROVIDER} at ${quote(issuer)} calls itself ${excerpt(String(json["issuer"]))}`,
      { hint: "give its address exactly as it writes it, with or without a final slash" },
    );
  }
  return {
    issuer,
    authorizationEndpoint: endpoint(json, "authorization_endpoint"),
    tokenEndpoint: endpoint(json, "token_endpoint"),
  };
}

function endpoint(document: JsonObject, member: string): URL {
  const address = document[member];
  if (typeof address !== "string") {
    throw new ModelSigningError("NETWORK_RESPONSE", `${PROVIDER} names no ${member}`);
  }
  serviceUrl(address, "", `${PROVIDER}'s ${member}`, "NETWORK_RESPONSE");
  return new URL(address);
}
