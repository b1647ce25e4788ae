/** Credentials as Docker and Podman keep them. */

import { stat } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { isObject, type Json, JsonError, type JsonObject, parseJson } from "../../core/json.ts";
import type { RunOptions } from "../../core/options.ts";
import { quote } from "../../core/text.ts";
import { readCapped } from "../_input/mod.ts";
import { askHelper } from "./credential_helper.ts";
import { type Credentials, type CredentialSource, isDockerHub } from "./credentials.ts";
import { storedCredentials } from "./docker_auths.ts";
import { MAX_CREDENTIAL_FILE_BYTES } from "./limits.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** Values in a file of credentials. */
const MAX_CREDENTIAL_FILE_VALUES = 50_000;

/** What Docker Hub's credentials are kept under. */
const DOCKER_HUB_SERVER = "https://index.docker.io/v1/";

/**
 * Credentials from the files of Docker and Podman and the credential helpers that they name. The first file that has
 * some for the registry counts:
 *
 * 1. `$REGISTRY_AUTH_FILE`
 * 2. `$DOCKER_CONFIG/config.json`, or else `~/.docker/config.json`
 * 3. `$XDG_RUNTIME_DIR/containers/auth.json`
 * 4. `$XDG_CONFIG_HOME/containers/auth.json`, or else `~/.config/containers/auth.json`
 *
 * In each: the helper in `credHelpers`, or else the one in `credsStore`, then `auths`, where the longest name counts
 * (`registry/namespace` before `registry`). Files are read when a registry asks for credentials.
 *
 * @param environment variables by name
 */
export function dockerCredentials(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): CredentialSource {
  return {
    async find(registry, repository, options) {
      for (const path of credentialFiles(environment)) {
        const config = await readConfig(path, options);
        if (!config) continue;
        const found = await credentialsIn(
          { config, path, environment },
          registry,
          repository,
          options,
        );
        if (!found) continue;
        options.logger?.log("debug", "found credentials", { path, registry, kind: found.kind });
        return found;
      }
      return undefined;
    },
  };
}

/** Where credentials may be, in the order in which they are tried. */
function credentialFiles(environment: Environment): readonly string[] {
  const home = environment["HOME"] ?? environment["USERPROFILE"];
  const inHome = (...parts: readonly string[]) => home ? join(home, ...parts) : undefined;
  const { REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR, XDG_CONFIG_HOME } = environment;
  const docker = DOCKER_CONFIG || inHome(".docker");
  const config = XDG_CONFIG_HOME || inHome(".config");
  return [
    REGISTRY_AUTH_FILE,
    docker && join(docker, "config.json"),
    XDG_RUNTIME_DIR && join(XDG_RUNTIME_DIR, "containers", "auth.json"),
    config && join(config, "containers", "auth.json"),
  ].filter((path): path is string => path !== undefined && path !== "");
}

type Opened = {
  readonly config: JsonObject;
  readonly path: string;
  readonly environment: Environment;
};

async function credentialsIn(
  { config, path, environment }: Opened,
  registry: string,
  repository: string,
  options: RunOptions,
): Promise<Credentials | undefined> {
  const server = isDockerHub(registry) ? DOCKER_HUB_SERVER : registry;
  const helpers = memberOf(config, "credHelpers", path);
  const helper = helpers[server] ?? helpers[isDockerHub(registry) ? "docker.io" : registry] ??
    config["credsStore"];
  if (helper !== undefined && helper !== "") {
    if (typeof helper !== "string") throw unusable(path, "it names a helper that is no text");
    const found = await askHelper(helper, server, environment, options);
    if (found) return found;
  }
  return storedCredentials(memberOf(config, "auths", path), registry, repository, path);
}

/** A file's content; undefined when there is no such file. */
async function readConfig(
  path: string,
  options: RunOptions,
): Promise<JsonObject | undefined> {
  const facts = await stat(path).catch((error) => {
    if (["ENOENT", "ENOTDIR"].includes(systemCode(error))) return undefined;
    throw unusable(path, systemReason(error));
  });
  if (!facts) return undefined;
  // Opening a FIFO would wait for a writer.
  if (!facts.isFile()) throw unusable(path, "it is not a regular file");
  const bytes = await readCapped(path, "credentials", MAX_CREDENTIAL_FILE_BYTES, options);
  // Podman makes an empty file before the first login.
  if (bytes.length === 0) return undefined;
  let json: Json;
  try {
    json = parseJson(bytes, MAX_CREDENTIAL_FILE_VALUES);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    // Its words may show what stands in the file.
    throw unusable(path, "it is no valid JSON");
  }
  if (isObject(json)) return json;
  throw unusable(path, "it is no JSON object");
}

/** An object of objects or texts by registry; empty when it is missing. */
function memberOf(config: JsonObject, name: string, path: string): JsonObject {
  // Without a prototype: a registry may be called as one of its members is.
  const value = config[name] ?? Object.create(null);
  if (isObject(value)) return value;
  throw unusable(path, `its ${name} are no JSON object`);
}

/** What a file of credentials is refused with. Nothing of its content is shown. */
function unusable(path: string, reason: string): ModelSigningError {
  return new ModelSigningError(
    "OCI_CREDENTIALS",
    `cannot read credentials from ${quote(path)}: ${reason}`,
  );
}
