/** The file that cosign reads tokens from; Kubernetes projects service account tokens there. */

import { stat } from "node:fs/promises";
import { systemCode } from "../../../../core/errors.ts";
import { readTokenFile } from "../token_file.ts";
import { type AmbientProvider, DEFAULT_PLACES } from "./provider.ts";

/** Reads the file, as cosign's `filesystem` provider does: the variable's if it is set, else the usual one. */
export const cosignFile: AmbientProvider = {
  name: "the cosign token file",
  signs: `SIGSTORE_OIDC_TOKEN_FILE, ${DEFAULT_PLACES.tokenFile}`,
  async isHere({ env, places }) {
    if (env["SIGSTORE_OIDC_TOKEN_FILE"]) return true;
    return await stat(places.tokenFile).then(
      () => true,
      // What cannot be looked at is there: reading it says why it cannot be used.
      (error) => !["ENOENT", "ENOTDIR"].includes(systemCode(error)),
    );
  },
  async token({ env, places }, options) {
    return await readTokenFile(env["SIGSTORE_OIDC_TOKEN_FILE"] || places.tokenFile, options);
  },
};
