/** A person signs in. */

import { ModelSigningError } from "../../../core/errors.ts";
import type { Interaction, RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { excerpt } from "../../../core/text.ts";
import { Authorization, type OAuthClient, unguessable } from "./authorization.ts";
import { listenForCallback } from "./callback.ts";
import { discover, type OpenIdProvider, PROVIDER } from "./discovery.ts";
import type { TokenSource } from "./source.ts";
import type { IdentityToken } from "./token.ts";
import { nobodyAnswered, within } from "./within.ts";

/** How a person signs in. */
export type InteractiveTokenOptions = OAuthClient & {
  /** Address of the OpenID provider, exactly as it writes it itself. */
  readonly issuer: string;
  /** Whether the code is typed in, for a browser on another machine. Also done when no browser can be opened. */
  readonly outOfBand: boolean;
};

/** The provider shows the code instead of sending it; not registered anywhere, but what Sigstore's providers take. */
const OUT_OF_BAND = "urn:ietf:wg:oauth:2.0:oob";

/** Characters of a code that is typed in. */
const MAX_CODE_LENGTH = 4096;

/**
 * Signing in with an OpenID provider, by the authorization code flow, once for each token. Needs `interaction` in the
 * options of the run; without it the source throws `INTERACTION_UNAVAILABLE`.
 */
export function interactiveToken(signIn: InteractiveTokenOptions): TokenSource {
  return {
    kind: "interactive",
    description: `signing in with ${signIn.issuer}`,
    // deno-lint-ignore require-await
    async prepare({ interaction }) {
      if (!interaction) throw nobodyToAsk();
    },
    async token(options) {
      const { interaction } = options;
      if (!interaction) throw nobodyToAsk();
      const provider = await discover(signIn.issuer, options);
      const token = signIn.outOfBand
        ? undefined
        : await byBrowser(provider, signIn, interaction, options);
      return token ?? await byCode(provider, signIn, interaction, options);
    },
  };
}

/** Undefined when no browser can be opened. */
async function byBrowser(
  provider: OpenIdProvider,
  client: OAuthClient,
  interaction: Interaction,
  options: RunOptions,
): Promise<IdentityToken | undefined> {
  const state = unguessable();
  await using callback = await listenForCallback(state, provider.issuer);
  const { redirectUri } = callback;
  const authorization = new Authorization(provider, client, { redirectUri, state });
  const address = authorization.url.href;
  const answer = await within(
    async () => {
      if (!await interaction.openBrowser(address)) return undefined;
      interaction.tell(`Sign in with your browser. If none opened, open this address:\n${address}`);
      return await callback.answer;
    },
    nobodyAnswered,
    options,
  );
  if (answer === undefined) return undefined;
  if ("code" in answer) return await authorization.redeem(answer.code, options);
  const description = answer.description ? `: ${excerpt(answer.description)}` : "";
  throw new ModelSigningError(
    "TOKEN_UNAVAILABLE",
    `${PROVIDER} refused the sign-in: ${excerpt(answer.error)}${description}`,
  );
}

async function byCode(
  provider: OpenIdProvider,
  client: OAuthClient,
  interaction: Interaction,
  options: RunOptions,
): Promise<IdentityToken> {
  // The state cannot come back here; the code is bound to this flow by the verifier, the token by the nonce.
  const authorization = new Authorization(provider, client, {
    redirectUri: OUT_OF_BAND,
    state: unguessable(),
  });
  interaction.tell(
    `Open this address in a browser, on any machine, and enter the code that it shows:\n${authorization.url.href}`,
  );
  const code = (await askForCode(interaction, options)).trim();
  if (code === "" || code.length > MAX_CODE_LENGTH) {
    throw new ModelSigningError(
      "TOKEN_UNAVAILABLE",
      code === "" ? "no code was entered" : `the code has more than ${MAX_CODE_LENGTH} characters`,
    );
  }
  return await authorization.redeem(new Secret(code), options);
}

async function askForCode(interaction: Interaction, options: RunOptions): Promise<string> {
  try {
    return await within((signal) => interaction.ask("code: ", signal), nobodyAnswered, options);
  } catch (error) {
    if (error instanceof ModelSigningError && error.code === "INTERACTION_UNAVAILABLE") {
      throw nobodyToAsk(error);
    }
    throw error;
  }
}

function nobodyToAsk(cause?: unknown): ModelSigningError {
  return new ModelSigningError(
    "INTERACTION_UNAVAILABLE",
    "signing in needs a person, and nobody can be asked here",
    cause === undefined ? {} : { cause },
  );
}
