/** A token that the user has already. */

import type { RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { malformed } from "./jwt.ts";
import type { TokenSource } from "./source.ts";
import { type IdentityToken, parseIdentityToken } from "./token.ts";
import { readTokenFile } from "./token_file.ts";

/**
 * The token that somebody obtained already. Nothing is read before it is asked for.
 *
 * @param text the token, or `@` and the path of a file or pipe that holds it; read once
 * @param audience whom the token must be meant for: `sigstore` at the public instances
 */
export function givenToken(text: Secret, audience: string): TokenSource {
  let token: Secret | undefined;
  const parse = async (options: RunOptions): Promise<IdentityToken> => {
    token ??= await read(text, options);
    return parseIdentityToken(token, audience);
  };
  return {
    kind: "given",
    description: "the given identity token",
    async prepare(options) {
      const { expires } = await parse(options);
      options.logger?.log("info", "the identity token must be used before it expires", {
        expires: expires.toISOString(),
      });
    },
    token: parse,
  };
}

/** `eyJ` is the base64url of `{"`. */
const JWT = /^eyJ[\w-]*\.eyJ[\w-]*\.[\w-]*$/;

/** No JWT begins with "@", which is not in its alphabet. */
async function read(text: Secret, options: RunOptions): Promise<Secret> {
  if (!text.reveal().startsWith("@")) return new Secret(text.reveal().trim());
  const path = text.reveal().slice(1);
  // A message about a file names it.
  if (JWT.test(path)) throw malformed('it stands after "@", which is for the path of a file');
  return await readTokenFile(path, options);
}
