/** `auths` of Docker's and Podman's files: credentials by registry (containers-auth.json(5)). */

import { Buffer } from "node:buffer";
import { ModelSigningError } from "../../core/errors.ts";
import { isObject, type Json, type JsonObject } from "../../core/json.ts";
import { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { ACCESS_TOKEN, type Credentials, isDockerHub } from "./credentials.ts";

/**
 * The credentials of the longest name that the repository lies below.
 *
 * @param path of the file, for messages
 * @throws {ModelSigningError} `OCI_CREDENTIALS` for an entry that cannot be read; nothing of it is shown
 */
export function storedCredentials(
  auths: JsonObject,
  registry: string,
  repository: string,
  path: string,
): Credentials | undefined {
  const entries = new Map<string, Json>();
  for (const [key, entry] of Object.entries(auths)) {
    const name = nameOf(key);
    // The plain name counts more than an address of the same host.
    if (!entries.has(name) || name === key) entries.set(name, entry);
  }
  for (const name of candidates(registry, repository)) {
    const entry = entries.get(name);
    if (entry === undefined) continue;
    const found = isObject(entry) ? credentialsOf(entry) : "malformed";
    if (found === "malformed") {
      throw new ModelSigningError(
        "OCI_CREDENTIALS",
        `cannot read credentials from ${quote(path)}: its entry for ${quote(name)} is malformed`,
      );
    }
    if (found) return found;
  }
  return undefined;
}

/** `host/a/b`, `host/a`, `host`. */
function candidates(registry: string, repository: string): readonly string[] {
  const parts = repository.split("/");
  const host = hostName(registry);
  return parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join("/"))
    .concat(host);
}

/** What a key stands for: Docker writes addresses (`https://host/v1/`), Podman names (`host/namespace`). */
function nameOf(key: string): string {
  const address = /^https?:\/\/([^/]*)/.exec(key);
  const [host, ...path] = (address ? address[1]! : key.replace(/\/v[12]\/?$/, "")).split("/");
  return [hostName(host!), ...path].join("/");
}

function hostName(host: string): string {
  const lower = host.toLowerCase();
  return isDockerHub(lower) ? "docker.io" : lower;
}

/** Undefined for an entry that says only that there is one somewhere else, as with `credsStore`. */
function credentialsOf(entry: JsonObject): Credentials | "malformed" | undefined {
  const members = ["auth", "username", "password", "identitytoken", "registrytoken"] as const;
  const texts = members.map((name) => entry[name] ?? "");
  if (!texts.every((text) => typeof text === "string")) return "malformed";
  const [auth, username, password, identityToken, registryToken] = texts as [
    ...[string, string, string, string, string],
  ];
  if (registryToken !== "") {
    if (!ACCESS_TOKEN.test(registryToken)) return "malformed";
    return { kind: "registry-token", token: new Secret(registryToken) };
  }
  if (identityToken !== "") return { kind: "identity-token", token: new Secret(identityToken) };
  if (auth === "") {
    return username === ""
      ? undefined
      : { kind: "password", username, password: new Secret(password) };
  }
  // Docker takes trailing NULs away, which an early version of it wrote.
  const decoded = Buffer.from(auth, "base64").toString("utf8").replace(/(?<!\0)\0+$/, "");
  const colon = decoded.indexOf(":");
  if (colon < 1 || decoded.includes("\ufffd")) return "malformed";
  return {
    kind: "password",
    username: decoded.slice(0, colon),
    password: new Secret(decoded.slice(colon + 1)),
  };
}
