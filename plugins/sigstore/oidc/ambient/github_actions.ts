/** GitHub Actions. */

import { ModelSigningError } from "../../../../core/errors.ts";
import { Secret } from "../../../../core/secret.ts";
import { requestJson, serviceUrl } from "../../../_http/mod.ts";
import { MAX_TOKEN_ANSWER_BYTES } from "../jwt.ts";
import type { AmbientProvider, AmbientRequest } from "./provider.ts";

const NAME = "GitHub Actions";

/** Asks the runner's token service, at the address and with the bearer token that it gives to jobs that may. */
export const githubActions: AmbientProvider = {
  name: NAME,
  signs: "GITHUB_ACTIONS, ACTIONS_ID_TOKEN_REQUEST_URL",
  // deno-lint-ignore require-await
  async isHere({ env }) {
    if (!env["GITHUB_ACTIONS"] && !env["ACTIONS_ID_TOKEN_REQUEST_URL"]) return false;
    tokenService(env);
    return true;
  },
  async token({ audience, env }, options) {
    const { address, bearer } = tokenService(env);
    const url = serviceUrl(address, "", `${NAME}' token service`, "TOKEN_UNAVAILABLE");
    url.searchParams.set("audience", audience);
    const { json } = await requestJson({
      service: NAME,
      url,
      headers: { authorization: `Bearer ${bearer}` },
      maxBytes: MAX_TOKEN_ANSWER_BYTES,
      secrets: [bearer],
    }, options);
    if (typeof json["value"] === "string") return new Secret(json["value"]);
    throw new ModelSigningError("NETWORK_RESPONSE", `${NAME} answered without a token in "value"`);
  },
};

/** What the runner gives to a job that may ask. */
function tokenService(
  env: AmbientRequest["env"],
): { readonly address: string; readonly bearer: string } {
  const address = env["ACTIONS_ID_TOKEN_REQUEST_URL"];
  const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
  if (address && bearer) return { address, bearer };
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `this job of ${NAME} may not ask for an identity token: ` +
      "ACTIONS_ID_TOKEN_REQUEST_URL and ACTIONS_ID_TOKEN_REQUEST_TOKEN are not both set",
    {
      hint: "add `permissions: id-token: write` to the job; " +
        "a run for a pull request from a fork gets no token",
    },
  );
}
