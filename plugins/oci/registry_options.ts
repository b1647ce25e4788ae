/** How a registry is reached, as a user says it. */

import { ModelSigningError } from "../../core/errors.ts";
import { MAX_TRUST_FILE_BYTES } from "../../core/limits.ts";
import { withHints } from "../../core/hint.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import { Secret } from "../../core/secret.ts";
import { flagSetting, secretSetting, textSetting } from "../../core/settings.ts";
import { quote } from "../../core/text.ts";
import { trustAuthorities } from "../_http/mod.ts";
import { readCapped, readInput, STDIN } from "../_input/mod.ts";
import { type Credentials, type CredentialSource, passwordCredentials } from "./credentials.ts";
import { dockerCredentials } from "./docker_config.ts";
import { MAX_PASSWORD_BYTES } from "./limits.ts";
import type { RegistrySettings } from "./transport.ts";

/** The options. */
export const REGISTRY_OPTIONS: readonly Option[] = [
  {
    name: "registry-username",
    type: "string",
    metavar: "NAME",
    description:
      "User of the registry, instead of what docker login, podman login or oras login have kept",
  },
  {
    name: "registry-password",
    type: "string",
    metavar: "TEXT",
    secret: true,
    description: "The user's password or access token; better set as " +
      "MODEL_SIGNING_REGISTRY_PASSWORD, since others can see command lines",
  },
  {
    name: "registry-password-stdin",
    type: "boolean",
    insteadOf: "registry-password",
    fromEnvironment: false,
    description: "Read the password from stdin",
  },
  {
    name: "registry-ca",
    type: "file",
    metavar: "PEM",
    description: "Certificates of authorities that the registry's own may be from, too",
  },
  {
    name: "registry-plain-http",
    type: "boolean",
    // Whoever sits on the line sees the password then.
    fromEnvironment: false,
    description: "Speak HTTP without encryption; by default only with this machine",
  },
];

/**
 * Reads what the settings name.
 *
 * @throws {ModelSigningError} `USAGE` for a user without a password or the other way round, `FILE_UNREADABLE`,
 * `CERTIFICATE_FILE_MALFORMED`, `ABORTED`
 */
export async function registrySettings(
  settings: Settings,
  options: RunOptions,
): Promise<RegistrySettings> {
  const plainHttp = flagSetting(settings, "registry-plain-http");
  const authorities = textSetting(settings, "registry-ca");
  return {
    credentials: await credentials(settings, options),
    ...(plainHttp === undefined ? {} : { plainHttp }),
    ...(authorities === undefined ? {} : { trust: await trust(authorities, options) }),
  };
}

async function trust(
  path: string,
  options: RunOptions,
): Promise<NonNullable<RegistrySettings["trust"]>> {
  const pem = await readCapped(path, "the registry's authorities", MAX_TRUST_FILE_BYTES, options);
  return trustAuthorities(pem, quote(path));
}

async function credentials(settings: Settings, options: RunOptions): Promise<CredentialSource> {
  const username = textSetting(settings, "registry-username");
  const given = secretSetting(settings, "registry-password");
  const fromStdin = flagSetting(settings, "registry-password-stdin") ?? false;
  if (username === undefined) {
    if (given === undefined && !fromStdin) return dockerCredentials();
    throw usage(
      "a password for the registry is given, and no user",
      "add --registry-username NAME",
    );
  }
  if (given !== undefined) return passwordCredentials(username, given);
  if (fromStdin) return passwordCredentials(username, await passwordFromStdin(options));
  return askedCredentials(username);
}

/** A person is asked once, when the registry wants to know. */
function askedCredentials(username: string): CredentialSource {
  const hint = "set MODEL_SIGNING_REGISTRY_PASSWORD, or add --registry-password-stdin";
  let asked: Promise<Credentials> | undefined;
  const ask = async ({ interaction, signal }: RunOptions): Promise<Credentials> => {
    if (!interaction) throw usage("a user of the registry is given, and no password", hint);
    const prompt = `Password of ${username} at the registry: `;
    const password = await interaction.askSecret(prompt, signal);
    return { kind: "password", username, password };
  };
  return {
    find: (_registry, _repository, options) =>
      asked ??= withHints({ INTERACTION_UNAVAILABLE: hint }, () => ask(options)),
  };
}

/** All of stdin, but for the end of its last line: the key file of a Google service account has many. */
async function passwordFromStdin(options: RunOptions): Promise<Secret> {
  const bytes = await readInput(STDIN, "the password", MAX_PASSWORD_BYTES, options);
  if (bytes.length > MAX_PASSWORD_BYTES) {
    throw usage(`stdin has more than the ${MAX_PASSWORD_BYTES} bytes that a password may have`);
  }
  const text = new TextDecoder().decode(bytes).replace(/\r?\n$/, "");
  if (text === "") throw usage("stdin holds nothing, expected a password");
  return new Secret(text);
}

function usage(message: string, hint?: string): ModelSigningError {
  return new ModelSigningError("USAGE", message, hint === undefined ? {} : { hint });
}
