/** Docker's credential helpers: programs that give credentials (docker/docker-credential-helpers, "Development"). */

import { Buffer } from "node:buffer";
import { ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { askProgram, findProgram, PROGRAM_SUFFIX } from "../_program/mod.ts";
import type { Credentials } from "./credentials.ts";
import { MAX_HELPER_BYTES } from "./limits.ts";

/** Limit of one call when the run sets none. A helper may have to ask the person for a passphrase. */
const DEFAULT_TIMEOUT_MS = 60_000;

/** What a helper writes when it has none; every helper says it with these words, from the common library. */
const NOT_FOUND = "credentials not found in native keychain";

/** The user name that marks an identity token (docker/cli). */
const TOKEN_USER = "<token>";

/** Members of an answer. */
const MAX_HELPER_VALUES = 100;

/**
 * Asks `docker-credential-NAME get`.
 *
 * @param server what the helper knows the registry by
 * @returns undefined when the helper has no credentials
 * @throws {ModelSigningError} `OCI_CREDENTIALS`, `ABORTED`. What the helper wrote is never passed on.
 */
export async function askHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: RunOptions,
): Promise<Credentials | undefined> {
  throwIfAborted(options.signal);
  const helper = await findHelper(name, environment);
  options.logger?.log("debug", "asking a credential helper", { helper, registry: server });
  const { stdout, fault } = await askProgram({
    path: helper,
    args: ["get"],
    environment,
    input: server,
    maxBytes: MAX_HELPER_BYTES,
    timeout: DEFAULT_TIMEOUT_MS,
  }, options);
  if (fault?.status === 1 && stdout.trim() === NOT_FOUND) return undefined;
  if (fault) throw failed(helper, fault.reason);
  const answer = answerIn(stdout, helper);
  const { Username: username, Secret: secret } = answer;
  if (typeof username !== "string" || typeof secret !== "string") {
    throw failed(helper, "its answer has no Username and Secret");
  }
  // Some helpers answer with nothing instead of an error.
  if (secret === "") return undefined;
  return username === TOKEN_USER
    ? { kind: "identity-token", token: new Secret(secret) }
    : { kind: "password", username, password: new Secret(secret) };
}

async function findHelper(
  name: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const program = `docker-credential-${name}${PROGRAM_SUFFIX}`;
  // It must not lead out of the folders of PATH.
  const found = /^[A-Za-z0-9._-]+$/.test(name) && await findProgram(program, environment);
  if (found) return found;
  throw new ModelSigningError(
    "OCI_CREDENTIALS",
    `PATH holds no ${quote(program)} outside the current folder`,
    {
      hint: "install the credential helper, or remove it from the configuration file that names it",
    },
  );
}

function answerIn(written: string, helper: string): JsonObject {
  try {
    const json = parseJson(Buffer.from(written), MAX_HELPER_VALUES);
    if (isObject(json)) return json;
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
  }
  throw failed(helper, "its answer is no JSON object");
}

function failed(helper: string, reason: string): ModelSigningError {
  return new ModelSigningError(
    "OCI_CREDENTIALS",
    `${quote(helper)} gave no credentials: ${reason}`,
    {
      hint: "to see why, run it by hand: it reads the registry's name from its standard input",
    },
  );
}
