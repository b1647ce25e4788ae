/** GitLab CI. */

import { ModelSigningError } from "../../../../core/errors.ts";
import { Secret } from "../../../../core/secret.ts";
import { quote } from "../../../../core/text.ts";
import { parseIdentityToken } from "../token.ts";
import type { AmbientProvider, AmbientRequest } from "./provider.ts";

/** Takes the variable that a job's `id_tokens` sets, by the name that GitLab's documentation and cosign use. */
export const gitlabCi: AmbientProvider = {
  name: "GitLab CI",
  signs: "GITLAB_CI",
  // deno-lint-ignore require-await
  async isHere(request) {
    if (!request.env["GITLAB_CI"]) return false;
    // The job has its token from its start, and may have run longer than that is valid.
    parseIdentityToken(jobToken(request), request.audience);
    return true;
  },
  // deno-lint-ignore require-await
  async token(request) {
    return jobToken(request);
  },
};

function jobToken({ audience, env }: AmbientRequest): Secret {
  const token = env["SIGSTORE_ID_TOKEN"];
  if (token) return new Secret(token);
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    "this job of GitLab CI has no identity token: SIGSTORE_ID_TOKEN is not set",
    { hint: `add \`id_tokens: {SIGSTORE_ID_TOKEN: {aud: ${quote(audience)}}}\` to the job` },
  );
}
