/** From a signer's settings to its private key. */

import type { KeyObject } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import { MAX_KEY_FILE_BYTES } from "../../core/limits.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Option, Settings } from "../../core/plugin.ts";
import { Secret } from "../../core/secret.ts";
import { requiredTextSetting, secretSetting, textSetting } from "../../core/settings.ts";
import { quote } from "../../core/text.ts";
import { readPrivateKey } from "./private_key.ts";
import { readCapped } from "../_input/mod.ts";

/** The options that {@link loadPrivateKey} reads. */
export const PRIVATE_KEY_OPTIONS: readonly Option[] = [
  {
    name: "private-key",
    type: "file",
    metavar: "FILE",
    required: true,
    description: "private key, PEM or DER: EC P-256/384/521, Ed25519, or RSA of 2048 bits or more",
  },
  {
    name: "password",
    type: "string",
    secret: true,
    metavar: "TEXT",
    description:
      "password of an encrypted key; other users can see it on the command line, so prefer the prompt, " +
      "--password-file or the variable",
  },
  {
    name: "password-file",
    type: "file",
    metavar: "FILE",
    insteadOf: "password",
    description: "file whose first line is the password",
  },
];

/**
 * Reads the key that `private-key` names. An encrypted one is opened with `password`, else the first line
 * of `password-file`, else the answer to a prompt.
 *
 * @throws {ModelSigningError} `FILE_UNREADABLE`, `KEY_MALFORMED`, `KEY_UNSUPPORTED`,
 * `KEY_PASSWORD_MISSING`, `KEY_PASSWORD_WRONG`, `USAGE`, `ABORTED`
 */
export async function loadPrivateKey(settings: Settings, options: RunOptions): Promise<KeyObject> {
  const path = requiredTextSetting(settings, "private-key");
  const bytes = await readCapped(path, "private key", MAX_KEY_FILE_BYTES, options);
  return await readPrivateKey(bytes, path, () => findPassword(path, settings, options));
}

async function findPassword(
  keyPath: string,
  settings: Settings,
  options: RunOptions,
): Promise<Secret> {
  const password = secretSetting(settings, "password");
  if (password !== undefined) return password;
  const passwordFile = textSetting(settings, "password-file");
  if (passwordFile !== undefined) {
    const bytes = await readCapped(passwordFile, "password file", MAX_KEY_FILE_BYTES, options);
    return new Secret(new TextDecoder().decode(bytes).split(/\r?\n/, 1)[0] ?? "");
  }
  const hint = "give --password-file FILE or set MODEL_SIGNING_PASSWORD";
  const message = `private key ${quote(keyPath)} is encrypted and no password was given`;
  if (!options.interaction) throw new ModelSigningError("KEY_PASSWORD_MISSING", message, { hint });
  try {
    return await options.interaction.askSecret(`Password for ${quote(keyPath)}: `, options.signal);
  } catch (error) {
    if (error instanceof ModelSigningError && error.code === "INTERACTION_UNAVAILABLE") {
      throw new ModelSigningError("KEY_PASSWORD_MISSING", message, { hint, cause: error });
    }
    throw error;
  }
}
