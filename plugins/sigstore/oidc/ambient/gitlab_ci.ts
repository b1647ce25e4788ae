/** GitLab CI. */

import { ModelSigningError } from "../../../../core/errors.ts";
import { Secret } from "../../../../core/secret.ts";
import { quote } from "../../../../core/text.ts";
import type { AmbientProvider } from "./provider.ts";

/** Takes the variable that a job's `id_tokens` sets, by the name that GitLab's documentation and cosign use. */
export const gitlabCi: AmbientProvider = {
  name: "GitLab CI",
  signs: "GITLAB_CI",
  // deno-lint-ignore require-await
  async token({ audience, env }) {
    if (!env["GITLAB_CI"]) return undefined;
    const token = env["SIGSTORE_ID_TOKEN"];
    if (token) return new Secret(token);
    throw new ModelSigningError(
      "TOKEN_UNAVAILABLE",
      "this job of GitLab CI has no identity token: SIGSTORE_ID_TOKEN is not set",
      { hint: `add \`id_tokens: {SIGSTORE_ID_TOKEN: {aud: ${quote(audience)}}}\` to the job` },
    );
  },
};
