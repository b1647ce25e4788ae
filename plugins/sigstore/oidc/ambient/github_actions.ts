/** GitHub Actions. */

import { ModelSigningError } from "../../../../core/errors.ts";
import { Secret } from "../../../../core/secret.ts";
import { requestJson, serviceUrl } from "../../../_http/mod.ts";
import { MAX_TOKEN_ANSWER_BYTES } from "../jwt.ts";
import type { AmbientProvider } from "./provider.ts";

const NAME = "GitHub Actions";

/** Asks the runner's token service, at the address and with the bearer token that it gives to jobs that may. */
export const githubActions: AmbientProvider = {
  name: NAME,
  signs: "GITHUB_ACTIONS, ACTIONS_ID_TOKEN_REQUEST_URL",
  async token({ audience, env }, options) {
    const address = env["ACTIONS_ID_TOKEN_REQUEST_URL"];
    const bearer = env["ACTIONS_ID_TOKEN_REQUEST_TOKEN"];
    if (!env["GITHUB_ACTIONS"] && !address) return undefined;
    if (!address || !bearer) {
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
