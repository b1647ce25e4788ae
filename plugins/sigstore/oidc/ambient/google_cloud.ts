/** Google Cloud. */

import { readFile } from "node:fs/promises";
import { ModelSigningError } from "../../../../core/errors.ts";
import { isObject, JsonError, parseJson } from "../../../../core/json.ts";
import type { RunOptions } from "../../../../core/options.ts";
import { Secret } from "../../../../core/secret.ts";
import { excerpt } from "../../../../core/text.ts";
import { type HttpResponse, request, requestJson, serviceUrl } from "../../../_http/mod.ts";
import { MAX_TOKEN_ANSWER_BYTES, MAX_TOKEN_BYTES } from "../jwt.ts";
import type { AmbientProvider, AmbientRequest } from "./provider.ts";

const METADATA_SERVICE = "Google Cloud's metadata server";

const IAM_SERVICE = "Google Cloud's IAM credentials service";

/** Values in the answer with an access token: it has three. */
const MAX_VALUES = 100;

/** How the firmware of Google's machines calls them; cosign looks for the same two. */
const PRODUCT_NAMES: readonly string[] = ["Google", "Google Compute Engine"];

/** What the metadata server has of the default service account. */
type Resource = "identity" | "token";

/**
 * Asks the metadata server for a token of the machine's service account, or, when `GOOGLE_SERVICE_ACCOUNT_NAME`
 * names one, impersonates that (both as cosign and Python's `id` do).
 */
export const googleCloud: AmbientProvider = {
  name: "Google Cloud",
  signs: "GOOGLE_SERVICE_ACCOUNT_NAME, GCE_METADATA_HOST, the machine's product name",
  async isHere({ env, places }) {
    if (env["GOOGLE_SERVICE_ACCOUNT_NAME"] || namedHost(env)) return true;
    return await isGoogleMachine(places.productName);
  },
  async token(asked, options) {
    const { audience, env } = asked;
    const account = env["GOOGLE_SERVICE_ACCOUNT_NAME"];
    if (account) return await impersonated(account, asked, options);
    const query = new URLSearchParams({ audience, format: "full" });
    const { status, body } = await askMetadata("identity", query, asked, options);
    // A machine without a service account has no identity to offer.
    return status === 404 ? undefined : new Secret(new TextDecoder().decode(body).trim());
  },
};

/** Google's client libraries take the second name as the older one of the first. */
function namedHost(env: AmbientRequest["env"]): string | undefined {
  return env["GCE_METADATA_HOST"] || env["GCE_METADATA_ROOT"] || undefined;
}

async function isGoogleMachine(productNameFile: string): Promise<boolean> {
  // Only Linux has this file, and not on every architecture.
  const name = await readFile(productNameFile, "utf8").catch(() => "");
  return PRODUCT_NAMES.includes(name.trim());
}

async function askMetadata(
  resource: Resource,
  query: URLSearchParams,
  { env, places }: AmbientRequest,
  options: RunOptions,
): Promise<HttpResponse> {
  const response = await request({
    service: METADATA_SERVICE,
    url: metadataUrl(namedHost(env) ?? places.metadataHost, resource, query),
    headers: { "metadata-flavor": "Google" },
    maxBytes: MAX_TOKEN_BYTES,
    accepts: (status) => status === 200 || status === 404,
  }, options);
  // The server's own mark; something else may answer at this address (a captive portal, another cloud).
  if (response.headers.get("metadata-flavor") === "Google") return response;
  throw new ModelSigningError(
    "NETWORK_RESPONSE",
    `${METADATA_SERVICE} answered without the header "Metadata-Flavor: Google"`,
  );
}

function metadataUrl(host: string, resource: Resource, query: URLSearchParams): URL {
  const path = `/computeMetadata/v1/instance/service-accounts/default/${resource}?${query}`;
  if (/^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/.test(host)) {
    const address = `http://${host}${path}`;
    if (URL.canParse(address)) return new URL(address);
  }
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `GCE_METADATA_HOST is ${excerpt(host)}, expected HOST or HOST:PORT`,
  );
}

/** IAM Service Account Credentials API, `projects.serviceAccounts.generateIdToken`. */
async function impersonated(
  account: string,
  asked: AmbientRequest,
  options: RunOptions,
): Promise<Secret> {
  // An address or a number; neither needs escaping in a path.
  if (!/^[A-Za-z0-9.-]+(?:@[A-Za-z0-9.-]+)?$/.test(account)) {
    throw new ModelSigningError(
      "TOKEN_UNAVAILABLE",
      `GOOGLE_SERVICE_ACCOUNT_NAME is ${
        excerpt(account)
      }, expected the address of a service account`,
    );
  }
  const { audience, places } = asked;
  const accessToken = await machineAccessToken(asked, options);
  const path = `/v1/projects/-/serviceAccounts/${account}:generateIdToken`;
  const { json } = await requestJson({
    service: IAM_SERVICE,
    url: serviceUrl(places.iamCredentials, path, IAM_SERVICE, "TOKEN_UNAVAILABLE"),
    method: "POST",
    headers: {
      authorization: `Bearer ${accessToken.reveal()}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({ audience, includeEmail: true }),
    maxBytes: MAX_TOKEN_ANSWER_BYTES,
    secrets: [accessToken.reveal()],
  }, options);
  if (typeof json["token"] === "string") return new Secret(json["token"]);
  throw new ModelSigningError("NETWORK_RESPONSE", `${IAM_SERVICE} answered without a "token"`);
}

/** An OAuth access token of the machine's own service account. */
async function machineAccessToken(
  asked: AmbientRequest,
  options: RunOptions,
): Promise<Secret> {
  const query = new URLSearchParams({ scopes: "https://www.googleapis.com/auth/cloud-platform" });
  const { status, body } = await askMetadata("token", query, asked, options);
  if (status === 404) {
    throw new ModelSigningError(
      "TOKEN_UNAVAILABLE",
      "this machine has no service account of its own that could impersonate " +
        "the one in GOOGLE_SERVICE_ACCOUNT_NAME",
    );
  }
  const token = accessTokenIn(body);
  if (token !== undefined) return new Secret(token);
  throw new ModelSigningError(
    "NETWORK_RESPONSE",
    `${METADATA_SERVICE} answered without an "access_token"`,
  );
}

function accessTokenIn(body: Uint8Array): string | undefined {
  try {
    const json = parseJson(body, MAX_VALUES);
    return isObject(json) && typeof json["access_token"] === "string"
      ? json["access_token"]
      : undefined;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return undefined;
  }
}
