/** The real program with manifests, registries and layouts. */

import { join } from "node:path";
import { encode, type KeyPair, p256, rootOf, sha256, signedBundle } from "./bundles.ts";
import type { CliOptions } from "./cli.ts";
import type { TestLayer } from "./oci_manifests.ts";
import { CONFIG } from "./oci_push.ts";
import { type Desk, desk } from "./sigstore_cli.ts";
import type { TestRegistry } from "./registry.ts";

/** The layers of a small model, and the folder that they are when they are downloaded. */
export const LAYERS: readonly TestLayer[] = [
  { content: "weights", title: "weights.bin" },
  { content: "tokens", title: "tokenizer/vocab.txt" },
];
/** See {@link LAYERS}. */
export const FOLDER: Readonly<Record<string, string>> = {
  "weights.bin": "weights",
  "tokenizer/vocab.txt": "tokens",
};

/** A desk on which no credentials of this machine are found. */
export async function ociDesk(): Promise<Desk> {
  const bench = await desk();
  const env = {
    ...bench.env,
    DOCKER_CONFIG: join(bench.cache, "docker"),
    REGISTRY_AUTH_FILE: "",
    XDG_RUNTIME_DIR: "",
    XDG_CONFIG_HOME: join(bench.cache, "config"),
  };
  return {
    ...bench,
    env,
    run: (args: readonly string[], options: Omit<CliOptions, "cwd"> = {}) =>
      bench.run(args, { ...options, env: { ...env, ...options.env } }),
  };
}

/** Arguments that sign a model with the key of the desk. */
export function signing(model: string, ...more: readonly string[]): readonly string[] {
  return ["sign", "key", model, "--private-key", "key.pem", ...more];
}

/** Arguments that verify a model with the key of the desk, in JSON. */
export function verifying(model: string, ...more: readonly string[]): readonly string[] {
  return ["verify", "key", model, "--public-key", "key.pub", "--format", "json", ...more];
}

/** Writes a folder with files. */
export async function writeFolder(
  { write }: Desk,
  folder: string,
  files: Readonly<Record<string, string>> = FOLDER,
): Promise<void> {
  await write(
    Object.fromEntries(
      Object.entries(files).map(([name, content]) => [`${folder}/${name}`, content]),
    ),
  );
}

/** A key of which the desk has the public half, in `other.pub`. */
export async function otherKey({ write }: Desk): Promise<KeyPair> {
  const keys = p256();
  await write({
    "other.pem": keys.privateKey.export({ type: "pkcs8", format: "pem" }),
    "other.pub": keys.publicKey.export({ type: "spki", format: "pem" }),
  });
  return keys;
}

/**
 * A bundle as the Go tool makes it of a manifest: no annotations, no further members, and a layer called
 * `config.json` takes the place of the config blob (OMS 6).
 */
export function goBundle(
  keys: KeyPair,
  layers: readonly TestLayer[],
  config: string = CONFIG,
): Uint8Array {
  const contents = new Map<string, string | Uint8Array>([["config.json", config]]);
  layers.forEach(({ title, content }, index) =>
    contents.set(title ?? `layer_${String(index).padStart(3, "0")}.tar.gz`, content)
  );
  const resources = [...contents].sort(([a], [b]) => a < b ? -1 : 1).map(([name, content]) => ({
    name,
    digest: sha256(content),
    algorithm: "sha256",
  }));
  const statement = {
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "manifest.json", digest: { sha256: rootOf(resources) } }],
    predicateType: "https://model_signing/signature/v1.0",
    predicate: {
      resources,
      serialization: { method: "files", hash_type: "sha256", allow_symlinks: false },
    },
  };
  return encode(signedBundle(encode(statement), keys));
}

/** Digests of the blobs that were fetched, in order. */
export async function fetchedBlobs(registry: TestRegistry): Promise<readonly string[]> {
  const requests = await registry.requests();
  return requests.filter(({ part, method }) => part === "blobs" && method === "GET")
    .map(({ url }) => url.slice(url.lastIndexOf("/") + 1));
}
