/** The credentials that a machine has of its own. */

import { ModelSigningError } from "../../../core/errors.ts";
import { buildkite } from "./ambient/buildkite.ts";
import { cosignFile } from "./ambient/cosign_file.ts";
import { githubActions } from "./ambient/github_actions.ts";
import { gitlabCi } from "./ambient/gitlab_ci.ts";
import { googleCloud } from "./ambient/google_cloud.ts";
import { type AmbientProvider, DEFAULT_PLACES, type Places } from "./ambient/provider.ts";
import type { TokenSource } from "./source.ts";
import { parseIdentityToken } from "./token.ts";

/** In the order in which they are asked; the first that is there is the only one that is used. */
const PROVIDERS: readonly AmbientProvider[] = [
  githubActions,
  gitlabCi,
  googleCloud,
  buildkite,
  cosignFile,
];

/** What ambient credentials depend on. */
export type AmbientTokenOptions = {
  /** The audience that the token must have. */
  readonly audience: string;
  /** The variables that providers set: `process.env`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Differ from the real ones in tests only. */
  readonly places?: Places;
};

/**
 * The token of the first of these that the machine shows signs of:
 *
 * 1. GitHub Actions: `GITHUB_ACTIONS` or `ACTIONS_ID_TOKEN_REQUEST_URL`; needs `permissions: id-token: write`
 * 2. GitLab CI: `GITLAB_CI`; needs `SIGSTORE_ID_TOKEN` from the job's `id_tokens`
 * 3. Google Cloud: `GOOGLE_SERVICE_ACCOUNT_NAME` (a service account to impersonate), `GCE_METADATA_HOST`, or a
 *    machine of Google's; the service account of the metadata server
 * 4. Buildkite: `BUILDKITE`; asks `buildkite-agent`
 * 5. the cosign token file: the one that `SIGSTORE_OIDC_TOKEN_FILE` names, else
 *    `/var/run/sigstore/cosign/oidc-token`
 *
 * A provider that is there and gives no token is an error, because another identity is not what was meant. With
 * none, `TOKEN_UNAVAILABLE` says what was looked for.
 */
export function ambientToken(
  { audience, env, places = DEFAULT_PLACES }: AmbientTokenOptions,
): TokenSource {
  const request = { audience, env, places };
  return {
    kind: "ambient",
    description: "ambient credentials",
    async prepare() {
      for (const provider of PROVIDERS) if (await provider.isHere(request)) return;
      throw none();
    },
    async token(options) {
      for (const provider of PROVIDERS) {
        if (!await provider.isHere(request)) continue;
        const token = await provider.token(request, options);
        if (token === undefined) continue;
        options.logger?.log("debug", "found ambient credentials", { provider: provider.name });
        return parseIdentityToken(token, audience);
      }
      throw none();
    },
  };
}

function none(): ModelSigningError {
  const looked = PROVIDERS.map(({ name, signs }) => `${name} (${signs})`).join(", ");
  return new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `this machine has no ambient credentials; looked for ${looked}`,
  );
}
