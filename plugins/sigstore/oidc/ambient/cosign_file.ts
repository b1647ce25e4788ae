/** The file that cosign reads tokens from; Kubernetes projects service account tokens there. */

import { ModelSigningError, systemCode } from "../../../../core/errors.ts";
import { readTokenFile } from "../token_file.ts";
import { type AmbientProvider, DEFAULT_PLACES } from "./provider.ts";

/** Reads the file, as cosign's `filesystem` provider does: the variable's if it is set, else the usual one. */
export const cosignFile: AmbientProvider = {
  name: "the cosign token file",
  signs: `SIGSTORE_OIDC_TOKEN_FILE, ${DEFAULT_PLACES.tokenFile}`,
  async token({ env, places }, options) {
    const named = env["SIGSTORE_OIDC_TOKEN_FILE"];
    if (named) return await readTokenFile(named, options);
    try {
      return await readTokenFile(places.tokenFile, options);
    } catch (error) {
      const absent = error instanceof ModelSigningError &&
        ["ENOENT", "ENOTDIR"].includes(systemCode(error.cause));
      if (absent) return undefined;
      throw error;
    }
  },
};
