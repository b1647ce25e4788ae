/** The Sigstore method as a plugin. */

import process from "node:process";
import { type Hints, withHints } from "../../core/hint.ts";
import type { RunOptions } from "../../core/options.ts";
import {
  CONTRACT_VERSION,
  type Option,
  type Plugin,
  type Settings,
  type SignerProvider,
  type VerifierProvider,
} from "../../core/plugin.ts";
import {
  flagSetting,
  requiredTextSetting,
  secretSetting,
  textSetting,
} from "../../core/settings.ts";
import { sigstoreDescriber } from "./describer.ts";
import { openSigner } from "./open_signer.ts";
import { type ExpectedText, givenPattern } from "./policy.ts";
import { type SelectedTrust, selectTrust } from "./trust/mod.ts";
import { trustChoice } from "./trust/choice.ts";
import { trustCommand } from "./trust/command.ts";
import { sigstoreVerifier } from "./verifier.ts";

/** Which instance; the production one of sigstore.dev when none of these is given. */
const TRUST_CONFIG: Option = {
  name: "trust-config",
  type: "file",
  metavar: "FILE",
  fromEnvironment: false,
  description: "Sigstore instance to use, as a ClientTrustConfig JSON file",
};
const USE_STAGING: Option = {
  name: "use-staging",
  type: "boolean",
  fromEnvironment: false,
  description: "Use Sigstore's staging instance, which is for tests: what it says is worth nothing",
};
/** Of trust to sign with, and to verify with. */
const SIGNING_TRUST: Hints = { USAGE: "give one of --use-staging, --trust-config" };
const VERIFYING_TRUST: Hints = {
  USAGE: "give one of --use-staging, --trust-config, --trust-root",
  TRUST_MALFORMED: "--trust-root takes a TrustedRoot message, --trust-config a ClientTrustConfig",
};

const signer: SignerProvider = {
  kind: "signer",
  id: "sigstore",
  summary: "Sign with an identity, through Sigstore (the default)",
  options: [
    {
      name: "identity-token",
      type: "string",
      metavar: "TOKEN",
      secret: true,
      description: "OpenID Connect token to sign with, or @FILE to read it from; better set as " +
        "MODEL_SIGNING_IDENTITY_TOKEN, since others can see command lines",
    },
    {
      name: "use-ambient-credentials",
      type: "boolean",
      description:
        "Take the token from where this runs: GitHub Actions, GitLab CI, Google Cloud, " +
        "Buildkite, or a token file",
    },
    {
      name: "oauth-force-oob",
      type: "boolean",
      description: "Log in with a browser on another machine: print the address and read the code",
    },
    {
      name: "client-id",
      type: "string",
      metavar: "ID",
      description: "OAuth client, which tokens must be for; by default sigstore",
    },
    {
      name: "client-secret",
      type: "string",
      metavar: "SECRET",
      secret: true,
      description: "Secret of the OAuth client, if it has one",
    },
    USE_STAGING,
    TRUST_CONFIG,
  ],
  examples: [
    "model-signing sign ./model --signature model.sig",
    "model-signing sign sigstore ./model --signature model.sig --use-ambient-credentials",
    "model-signing sign ./model --signature model.sig --trust-config instance.json",
  ],
  async open(settings, options) {
    return await openSigner({
      identityToken: secretSetting(settings, "identity-token"),
      ambient: flagSetting(settings, "use-ambient-credentials") ?? false,
      outOfBand: flagSetting(settings, "oauth-force-oob") ?? false,
      clientId: textSetting(settings, "client-id") ?? "sigstore",
      clientSecret: secretSetting(settings, "client-secret"),
      trust: await chosenTrust(settings, SIGNING_TRUST, options),
      env: process.env,
    }, options);
  },
};

const verifier: VerifierProvider = {
  kind: "verifier",
  id: "sigstore",
  summary: "Verify who signed, through Sigstore, without any network (the default)",
  options: [
    {
      name: "identity",
      type: "string",
      metavar: "NAME",
      required: true,
      requiredBecause:
        "by default nobody is trusted: a signature says who made it, not who should have",
      description: "who must have signed, exactly: an email address, or the address of a workflow",
    },
    {
      name: "identity-provider",
      type: "string",
      metavar: "URL",
      required: true,
      description: "who must have vouched for the identity, exactly: the OpenID Connect issuer",
    },
    {
      name: "identity-regexp",
      type: "string",
      metavar: "REGEXP",
      insteadOf: "identity",
      fromEnvironment: false,
      description: "pattern that the whole identity must match",
    },
    {
      name: "identity-provider-regexp",
      type: "string",
      metavar: "REGEXP",
      insteadOf: "identity-provider",
      fromEnvironment: false,
      description: "pattern that the whole issuer must match",
    },
    USE_STAGING,
    TRUST_CONFIG,
    {
      name: "trust-root",
      type: "file",
      metavar: "FILE",
      fromEnvironment: false,
      description: "Sigstore instance to trust, as a TrustedRoot JSON file",
    },
  ],
  examples: [
    "model-signing verify ./model --signature model.sig --identity me@example.com " +
    "--identity-provider https://accounts.google.com",
  ],
  describer: sigstoreDescriber,
  async open(settings, options) {
    return sigstoreVerifier({
      trust: await chosenTrust(settings, VERIFYING_TRUST, options),
      identity: expected(settings, "identity"),
      issuer: expected(settings, "identity-provider"),
    });
  },
};

/** Provides `sign sigstore`, `verify sigstore` and `trust`. */
export const sigstorePlugin: Plugin = {
  name: "sigstore",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [signer, verifier, trustCommand],
};

async function chosenTrust(
  settings: Settings,
  hints: Hints,
  options: RunOptions,
): Promise<SelectedTrust> {
  return await withHints(hints, () => selectTrust(trustChoice(settings), options));
}

function expected(settings: Settings, name: string): ExpectedText {
  const pattern = textSetting(settings, `${name}-regexp`);
  return pattern === undefined
    ? requiredTextSetting(settings, name)
    : givenPattern(pattern, `--${name}-regexp`);
}
