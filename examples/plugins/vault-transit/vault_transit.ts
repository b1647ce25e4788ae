/**
 * Signs models with a key that never leaves a key management service: one whose API is shaped like the transit secrets
 * engine of HashiCorp Vault and OpenBao.
 *
 * A plugin for model-signing, as one file without dependencies. See README.md.
 */

import { Buffer } from "node:buffer";
import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import process from "node:process";
import type {
  CommandProvider,
  Option,
  Plugin,
  PluginHost,
  RunOptions,
  Secret,
  Settings,
  Signed,
  Signer,
  SignerProvider,
} from "../../../mod.ts";

/** Longest wait for one answer when the run sets none, in ms. */
const TIMEOUT_MS = 30_000;

/** Bytes of an answer: a key with a hundred versions has 50 KB. */
const MAX_ANSWER_BYTES = 1024 * 1024;

/** What a key is, and how the service is asked to sign with it (Vault API: transit, "Sign data"). */
const KEY_TYPES: Readonly<Record<string, { readonly digest?: "sha256" | "sha384" | "sha512" }>> = {
  "ecdsa-p256": { digest: "sha256" },
  "ecdsa-p384": { digest: "sha384" },
  "ecdsa-p521": { digest: "sha512" },
  "rsa-2048": { digest: "sha256" },
  "rsa-3072": { digest: "sha256" },
  "rsa-4096": { digest: "sha256" },
  // Hashes by itself, so the service gets everything.
  "ed25519": {},
};

const SERVICE: readonly Option[] = [
  {
    name: "vault-url",
    type: "string",
    metavar: "URL",
    description: "address of the service, such as https://vault.example.com; by default VAULT_ADDR",
    // Whoever sets it gets the token.
    fromEnvironment: false,
  },
  {
    name: "vault-token",
    type: "string",
    metavar: "TOKEN",
    secret: true,
    description:
      "token for the service; better set as VAULT_TOKEN, since others can see command lines",
  },
  {
    name: "vault-namespace",
    type: "string",
    metavar: "NAME",
    description: "namespace of the mount; by default VAULT_NAMESPACE",
  },
  {
    name: "vault-mount",
    type: "string",
    metavar: "PATH",
    description: "path of the transit engine; by default transit",
  },
];

const KEY: readonly Option[] = [
  {
    name: "key-name",
    type: "string",
    metavar: "NAME",
    required: true,
    description: "name of the key",
  },
  {
    name: "key-version",
    type: "integer",
    metavar: "NUMBER",
    description: "version of the key; by default the latest",
  },
];

/** The plugin. */
export default function vaultTransit(host: PluginHost): Plugin {
  return {
    name: "vault-transit",
    version: "1.0.0",
    contract: host.contract,
    providers: [signer(host), keyCommand(host)],
  };
}

function signer(host: PluginHost): SignerProvider {
  return {
    kind: "signer",
    id: "vault-transit",
    summary: "Sign with a key in HashiCorp Vault's transit engine, or one like it",
    options: [...SERVICE, ...KEY],
    examples: [
      "VAULT_TOKEN=… model-signing sign vault-transit ./model --vault-url https://vault.example.com " +
      "--key-name models",
    ],
    async open(settings, run) {
      const transit = new Transit(host, settings);
      const name = host.requiredTextSetting(settings, "key-name");
      const key = await transit.key(name, version(host, settings), run);
      return { signer: new TransitSigner(host, transit, key), witnesses: [] };
    },
  };
}

/** Gives those who verify what they need. */
function keyCommand(host: PluginHost): CommandProvider {
  return {
    kind: "command",
    id: "vault-transit",
    summary: "Print the public half of a key, for verify key",
    options: SERVICE,
    operand: { metavar: "KEY", description: "the name of the key" },
    examples: ["model-signing vault-transit models --vault-url https://vault.example.com"],
    async run(settings, io) {
      const key = await new Transit(host, settings).key(io.operand ?? "", undefined, io);
      io.stdout(key.publicKey.export({ type: "spki", format: "pem" }).toString());
      return 0;
    },
  };
}

/** Signs with one key. */
class TransitSigner implements Signer {
  readonly #host: PluginHost;
  readonly #transit: Transit;
  readonly #key: TransitKey;

  constructor(host: PluginHost, transit: Transit, key: TransitKey) {
    this.#host = host;
    this.#transit = transit;
    this.#key = key;
  }

  async sign(pae: Uint8Array, options: RunOptions): Promise<Signed> {
    const { publicKey } = this.#key;
    return {
      signature: await this.#transit.sign(this.#key, pae, options),
      publicKey: Uint8Array.from(publicKey.export({ type: "spki", format: "der" }) as Buffer),
      material: { kind: "public-key", hint: this.#host.keyHint(publicKey) },
    };
  }

  /** There is no session to end. */
  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** A version of a key. */
type TransitKey = {
  readonly name: string;
  readonly version: number;
  readonly digest: "sha256" | "sha384" | "sha512" | undefined;
  readonly publicKey: KeyObject;
};

/** The service. */
class Transit {
  readonly #host: PluginHost;
  readonly #url: URL;
  readonly #token: Secret;
  readonly #namespace: string | undefined;

  constructor(host: PluginHost, settings: Settings) {
    this.#host = host;
    const address = host.textSetting(settings, "vault-url") || (process.env["VAULT_ADDR"] ?? "");
    const mount = host.textSetting(settings, "vault-mount") || "transit";
    if (!/^[\w-]+(?:\/[\w-]+)*$/.test(mount)) {
      throw new host.ModelSigningError("USAGE", `--vault-mount is ${host.excerpt(mount)}, no path`);
    }
    this.#url = serviceUrl(host, address, mount);
    this.#token = tokenOf(host, settings);
    this.#namespace = host.textSetting(settings, "vault-namespace") ||
      process.env["VAULT_NAMESPACE"];
  }

  /** A key's public half, and how to sign with it. */
  async key(name: string, version: number | undefined, run: RunOptions): Promise<TransitKey> {
    // As Vault's own `GenericNameRegex`: `..` would be another path.
    if (name.length > 128 || !/^\w(?:[\w.-]*\w)?$/.test(name)) {
      throw new this.#host.ModelSigningError(
        "USAGE",
        `the key name ${this.#host.excerpt(name)} holds what no key of the service has in its name`,
      );
    }
    const data = await this.#ask("GET", `keys/${name}`, undefined, run);
    const { type, latest_version: latest, keys } = data;
    const kind = typeof type === "string" ? KEY_TYPES[type] : undefined;
    if (kind === undefined) {
      throw this.#wrong(`key "${name}" is of type ${this.#host.excerpt(String(type))}`);
    }
    const wanted = version ?? latest;
    const found = this.#host.isObject(keys) ? keys[String(wanted)] : undefined;
    if (typeof wanted !== "number" || !this.#host.isObject(found)) {
      throw new this.#host.ModelSigningError(
        "PLUGIN_VAULT_KEY",
        `key "${name}" has no version ${this.#host.excerpt(String(wanted))}`,
      );
    }
    return {
      name,
      version: wanted,
      digest: kind.digest,
      publicKey: this.#publicKey(found["public_key"]),
    };
  }

  /** Signs bytes; all but Ed25519 keys get their digest only. */
  async sign(
    { name, version, digest }: TransitKey,
    pae: Uint8Array,
    run: RunOptions,
  ): Promise<Uint8Array> {
    const input = digest === undefined ? pae : createHash(digest).update(pae).digest();
    const suffix = digest === undefined ? "" : `/sha2-${digest.slice(3)}`;
    const data = await this.#ask("POST", `sign/${name}${suffix}`, {
      input: Buffer.from(input).toString("base64"),
      key_version: version,
      ...(digest === undefined ? {} : { prehashed: true }),
      // Both without effect where they do not apply.
      signature_algorithm: "pkcs1v15",
      marshaling_algorithm: "asn1",
    }, run);
    // "vault:v3:BASE64"
    const [, signedBy, base64] = /^vault:v(\d+):([A-Za-z0-9+/]+=*)$/.exec(
      typeof data["signature"] === "string" ? data["signature"] : "",
    ) ?? [];
    if (base64 === undefined) throw this.#wrong("the answer holds no signature");
    if (Number(signedBy) !== version) {
      throw this.#wrong(`version ${signedBy} of the key signed, asked was version ${version}`);
    }
    return Uint8Array.from(Buffer.from(base64, "base64"));
  }

  #publicKey(value: unknown): KeyObject {
    if (typeof value === "string") {
      try {
        // The service gives Ed25519 keys bare, the others as PEM.
        if (!value.startsWith("-----BEGIN")) {
          const x = Buffer.from(value, "base64").toString("base64url");
          return createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
        }
        return createPublicKey(value);
      } catch (cause) {
        throw this.#wrong("the key's public half cannot be read", cause);
      }
    }
    throw this.#wrong("the key has no public half");
  }

  /** The member `data` of an answer. */
  async #ask(
    method: "GET" | "POST",
    path: string,
    body: Readonly<Record<string, unknown>> | undefined,
    { signal, timeout = TIMEOUT_MS }: RunOptions,
  ) {
    const { isObject, throwIfAborted } = this.#host;
    throwIfAborted(signal);
    const limit = AbortSignal.timeout(timeout);
    let status: number;
    let answer: Uint8Array;
    try {
      const response = await fetch(new URL(path, this.#url), {
        method,
        headers: {
          "x-vault-request": "true",
          "x-vault-token": this.#token.reveal(),
          ...(this.#namespace ? { "x-vault-namespace": this.#namespace } : {}),
          ...(body ? { "content-type": "application/json" } : {}),
        },
        ...(body ? { body: JSON.stringify(body) } : {}),
        // Somebody else would get the token.
        redirect: "error",
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      status = response.status;
      answer = await this.#read(response);
    } catch (cause) {
      throwIfAborted(signal);
      if (cause instanceof this.#host.ModelSigningError) throw cause;
      throw limit.aborted
        ? this.#failed("NETWORK_TIMEOUT", `did not answer within ${timeout / 1000} s`, cause)
        : this.#failed(
          "NETWORK_UNREACHABLE",
          "cannot be reached",
          cause,
          "if its certificate is from an authority of your own, name that in NODE_EXTRA_CA_CERTS",
        );
    }
    const json = this.#parse(answer, status);
    if (status !== 200) throw this.#refused(status, json);
    const data = isObject(json) ? json["data"] : undefined;
    if (!isObject(data)) throw this.#wrong('the answer has no "data"');
    return data;
  }

  async #read(response: Response): Promise<Uint8Array> {
    const chunks: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of response.body ?? []) {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) throw this.#wrong("the answer is too large");
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #parse(bytes: Uint8Array, status: number) {
    try {
      return this.#host.parseJson(bytes, 10_000);
    } catch (cause) {
      // A proxy's page, for instance.
      if (status !== 200) return undefined;
      throw this.#wrong("the answer is no JSON", cause);
    }
  }

  #refused(status: number, json: unknown): Error {
    const errors = typeof json === "object" && json !== null && "errors" in json ? json.errors : [];
    const said = Array.isArray(errors)
      ? errors.filter((error) => typeof error === "string").join("; ")
      : "";
    // What answers may be a proxy that repeats what it was sent.
    const shown = said.replaceAll(this.#token.reveal(), "[token]");
    const words = said === "" ? "" : `: ${this.#host.excerpt(shown)}`;
    return this.#failed(
      status === 403 ? "PLUGIN_VAULT_DENIED" : "NETWORK_STATUS",
      `answers with status ${status}${words}`,
      undefined,
      status === 403 ? "the token may have expired, or lack a policy for this key" : undefined,
    );
  }

  #wrong(problem: string, cause?: unknown): Error {
    return this.#failed("NETWORK_RESPONSE", `gives no usable answer: ${problem}`, cause);
  }

  #failed(
    code:
      | "NETWORK_RESPONSE"
      | "NETWORK_STATUS"
      | "NETWORK_TIMEOUT"
      | "NETWORK_UNREACHABLE"
      | "PLUGIN_VAULT_DENIED",
    what: string,
    cause?: unknown,
    hint?: string,
  ): Error {
    return new this.#host.ModelSigningError(code, `${this.#url.origin} ${what}`, {
      ...(cause === undefined ? {} : { cause }),
      ...(hint === undefined ? {} : { hint }),
    });
  }
}

function serviceUrl(host: PluginHost, address: string, mount: string): URL {
  if (address === "") {
    throw new host.ModelSigningError("USAGE", "no address of the service was given", {
      hint: "add --vault-url URL, or set VAULT_ADDR",
    });
  }
  let url: URL;
  try {
    url = new URL(`v1/${mount}/`, address.endsWith("/") ? address : `${address}/`);
  } catch {
    throw new host.ModelSigningError("USAGE", `${host.excerpt(address)} is no address`);
  }
  // fetch() would repeat them in its error.
  if (url.username !== "" || url.password !== "") {
    throw new host.ModelSigningError("USAGE", "the address of the service holds a user's name", {
      hint: "the service knows its users by their tokens",
    });
  }
  const loopback = ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url.protocol === "https:" || (url.protocol === "http:" && loopback)) return url;
  throw new host.ModelSigningError(
    "USAGE",
    `${host.excerpt(address)} is not an https address: the token would be sent in clear`,
  );
}

function tokenOf(host: PluginHost, settings: Settings): Secret {
  const token = host.secretSetting(settings, "vault-token") ??
    new host.Secret((process.env["VAULT_TOKEN"] ?? "").trim());
  const value = token.reveal();
  if (value === "") {
    throw new host.ModelSigningError("USAGE", "no token for the service was given", {
      hint: "set VAULT_TOKEN",
    });
  }
  // What no header can hold; fetch() would repeat it in its error.
  if (!/^[!-~]+$/.test(value)) {
    throw new host.ModelSigningError("USAGE", "the token holds characters that no token has");
  }
  return token;
}

function version(host: PluginHost, settings: Settings): number | undefined {
  const value = host.numberSetting(settings, "key-version");
  if (value === undefined || value > 0) return value;
  throw new host.ModelSigningError("USAGE", "--key-version is not a positive number");
}
