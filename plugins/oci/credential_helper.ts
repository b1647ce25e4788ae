/** Docker's credential helpers: programs that give credentials (docker/docker-credential-helpers, "Development"). */

import { Buffer } from "node:buffer";
import { execFile, type ExecFileException } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import process from "node:process";
import { childEnvironment } from "../../core/child_environment.ts";
import { aborted, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import { isObject, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
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
 * Asks `docker-credential-NAME get`, which must be in a folder that PATH names absolutely. No shell takes part.
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
  const helper = await findHelper(name, environment["PATH"] ?? environment["Path"] ?? "");
  options.logger?.log("debug", "asking a credential helper", { helper, registry: server });
  const written = await run(helper, server, environment, options);
  if (written === undefined) return undefined;
  const answer = answerIn(written, helper);
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

/** The helper's path. A folder that PATH names relatively is skipped, as whoever wrote the model could fill it. */
async function findHelper(name: string, path: string): Promise<string> {
  const program = `docker-credential-${name}${process.platform === "win32" ? ".exe" : ""}`;
  // It must not lead out of the folders of PATH.
  if (/^[A-Za-z0-9._-]+$/.test(name)) {
    for (const folder of path.split(delimiter)) {
      if (!isAbsolute(folder)) continue;
      const file = join(folder, program);
      const executable = await access(file, constants.X_OK).then(() => true, () => false);
      if (executable && (await stat(file)).isFile()) return file;
    }
  }
  throw new ModelSigningError("OCI_CREDENTIALS", `PATH holds no ${quote(program)}`, {
    hint: "install the credential helper, or remove it from the configuration file that names it",
  });
}

/** Undefined when the helper says that it has none. */
function run(
  helper: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
  options: RunOptions,
): Promise<string | undefined> {
  const timeout = options.timeout ?? DEFAULT_TIMEOUT_MS;
  return new Promise((resolve, reject) => {
    const child = execFile(helper, ["get"], {
      env: childEnvironment(environment),
      timeout,
      maxBuffer: MAX_HELPER_BYTES,
      killSignal: "SIGKILL",
      encoding: "utf8",
      ...(options.signal ? { signal: options.signal } : {}),
    }, (error, stdout) => {
      if (!error) return resolve(stdout);
      if (error.code === 1 && stdout.trim() === NOT_FOUND) return resolve(undefined);
      reject(
        options.signal?.aborted
          ? aborted(options.signal.reason)
          : failed(helper, reasonOf(error, timeout)),
      );
    });
    // A helper that ends without reading is judged by its status.
    child.stdin?.on("error", () => {});
    child.stdin?.end(server);
  });
}

/** Neither the cause nor what the helper wrote is passed on: both may hold the secret. */
function reasonOf({ code, killed }: ExecFileException, timeout: number): string {
  if (String(code) === "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") {
    return `it wrote more than ${MAX_HELPER_BYTES} bytes`;
  }
  if (killed) return `it did not end within ${timeout / 1000} s`;
  return typeof code === "number"
    ? `it ended with status ${code}`
    : `it could not be run (${String(code)})`;
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
