/** Ambient credentials on a machine that has none but those of the test. */

import { ambientToken, type TokenSource } from "../../../../plugins/sigstore/oidc/mod.ts";

/** Places where nothing is. */
const NOWHERE = {
  productName: "/nonexistent/product_name",
  metadataHost: "127.0.0.1:1",
  tokenFile: "/nonexistent/oidc-token",
  iamCredentials: "http://127.0.0.1:1",
};

/** The source for these variables, with some places of the test's. */
export function ambient(
  env: Readonly<Record<string, string>>,
  places: Partial<typeof NOWHERE> = {},
  audience: string = "sigstore",
): TokenSource {
  return ambientToken({ audience, env, places: { ...NOWHERE, ...places } });
}
