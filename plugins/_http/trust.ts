/** Connections that trust certification authorities of one's own. */

import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import process from "node:process";
import tls from "node:tls";
import { ModelSigningError } from "../../core/errors.ts";

/** Whom a connection trusts; made by {@link trustAuthorities}. */
export interface ConnectionTrust {
  /** What `fetch` of this runtime is given. */
  readonly init: RequestInit;
}

/** The part of Deno that is asked for: its `fetch` takes authorities from a client only. */
type DenoClients = {
  readonly Deno?: { createHttpClient?(options: { readonly caCerts: readonly string[] }): object };
};

/**
 * Trusts authorities besides those that the runtime trusts.
 *
 * @param pem certificates, one at least
 * @param name of where they are from, quoted, for messages
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`; `USAGE` when this runtime's `fetch` cannot do that
 */
export function trustAuthorities(pem: Uint8Array, name: string): ConnectionTrust {
  const authorities = certificatesIn(pem, name);
  const clients = (globalThis as DenoClients).Deno;
  if (clients?.createHttpClient) {
    const client = clients.createHttpClient({ caCerts: authorities });
    return { init: { client } as RequestInit };
  }
  if ("bun" in process.versions) {
    // Bun, as Node, takes them instead of its own.
    const ca = [...tls.getCACertificates("default"), ...authorities];
    return { init: { tls: { ca } } as RequestInit };
  }
  throw new ModelSigningError("USAGE", "this runtime's fetch cannot trust other authorities", {
    hint: "run it on Deno or Bun, or name them in NODE_EXTRA_CA_CERTS",
  });
}

function certificatesIn(pem: Uint8Array, name: string): string[] {
  const blocks = Buffer.from(pem).toString("latin1").match(
    /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g,
  ) ?? [];
  try {
    if (blocks.length > 0) return blocks.map((block) => new X509Certificate(block).toString());
  } catch {
    // Said below: the runtimes word it differently.
  }
  throw new ModelSigningError(
    "CERTIFICATE_FILE_MALFORMED",
    `${name} holds no certificates in PEM, or one that cannot be read`,
  );
}
