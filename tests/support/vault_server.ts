/** A key management service on loopback, shaped like HashiCorp Vault's transit engine. */

import { Buffer } from "node:buffer";
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openssl } from "./openssl.ts";

/** What clients must know. */
export const VAULT_TOKEN = "hvs.secret-token";

/** Key types by their names in the service. */
const TYPES: Readonly<
  Record<string, () => { readonly privateKey: KeyObject; readonly publicKey: KeyObject }>
> = {
  "ecdsa-p256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  "ecdsa-p384": () => generateKeyPairSync("ec", { namedCurve: "P-384" }),
  "ecdsa-p521": () => generateKeyPairSync("ec", { namedCurve: "P-521" }),
  "rsa-2048": () => generateKeyPairSync("rsa", { modulusLength: 2048 }),
  "ed25519": () => generateKeyPairSync("ed25519"),
};

/** What a test can have go wrong. */
export type VaultFault =
  | "redirect"
  | "garbage"
  | "endless"
  | "silent"
  | "other-version"
  | "error-page";

/** A running service. Each key is called like its type and has two versions. */
export type VaultServer = AsyncDisposable & {
  readonly url: string;
  readonly requests: readonly string[];
  /** Digests that were sent to be signed, and payloads, by their lengths in bytes. */
  readonly inputs: readonly number[];
  fault: VaultFault | undefined;
};

/** Starts the service. */
export async function vaultServer(): Promise<VaultServer> {
  const keys = new Map(
    Object.entries(TYPES).map(([type, make]) => [type, [make(), make()] as const]),
  );
  const requests: string[] = [];
  const inputs: number[] = [];
  const state: { fault: VaultFault | undefined } = { fault: undefined };
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy());
  });
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    requests.push(`${request.method} ${request.url}`);
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Uint8Array>));
    const reply = (status: number, json: unknown) => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(json));
    };
    switch (state.fault) {
      case "redirect":
        response.writeHead(307, { location: "http://127.0.0.1:1/" }).end();
        return;
      case "garbage":
        response.writeHead(200).end("<html>");
        return;
      case "error-page":
        response.writeHead(502).end("<html>");
        return;
      case "endless":
        response.writeHead(200).end(" ".repeat(2 * 1024 * 1024));
        return;
      case "silent":
        return;
    }
    const token = request.headers["x-vault-token"];
    if (token !== VAULT_TOKEN) {
      return reply(403, { errors: [`no permission for ${token} \x1b[2J`] });
    }
    const [, kind, name = "", hash] =
      /^\/v1\/transit\/(keys|sign)\/([\w-]+)(?:\/(sha2-\d+))?$/.exec(request.url ?? "") ?? [];
    const versions = keys.get(name);
    if (kind === undefined || versions === undefined) return reply(404, { errors: [] });
    if (kind === "keys") return reply(200, { data: described(name, versions) });
    const asked = JSON.parse(body.toString());
    const input = Buffer.from(asked.input, "base64");
    inputs.push(input.length);
    const asDigest = hash === undefined || asked.prehashed === true;
    if (!asDigest || asked.marshaling_algorithm !== "asn1") {
      return reply(400, { errors: ["what would come out is another signature"] });
    }
    if (name.startsWith("rsa") && asked.signature_algorithm !== "pkcs1v15") {
      return reply(400, { errors: ["pss is the service's default"] });
    }
    const version = asked.key_version as number;
    const { privateKey } = versions[version - 1]!;
    const signature = name === "ed25519"
      ? sign(null, input, privateKey)
      : signDigest(input, hash ?? "", privateKey);
    const said = state.fault === "other-version" ? version + 1 : version;
    reply(200, { data: { signature: `vault:v${said}:${signature.toString("base64")}` } });
  }
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    inputs,
    get fault() {
      return state.fault;
    },
    set fault(fault) {
      state.fault = fault;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function described(
  name: string,
  versions: readonly { readonly publicKey: KeyObject }[],
): Readonly<Record<string, unknown>> {
  const keys = versions.map(({ publicKey }, index) => [index + 1, {
    public_key: name === "ed25519"
      ? Buffer.from(publicKey.export({ format: "jwk" }).x!, "base64url").toString("base64")
      : publicKey.export({ type: "spki", format: "pem" }),
  }]);
  return { type: name, latest_version: versions.length, keys: Object.fromEntries(keys) };
}

/** `node:crypto` signs nothing that is hashed already. */
function signDigest(digest: Uint8Array, hash: string, privateKey: KeyObject): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-vault-"));
  try {
    const key = join(folder, "key.pem");
    writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
    const name = hash.replace("sha2-", "sha");
    return openssl(["pkeyutl", "-sign", "-inkey", key, "-pkeyopt", `digest:${name}`], digest);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
