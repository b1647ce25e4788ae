/** Signers with a key in a token. */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import type { VerificationMaterial } from "../../core/bundle.ts";
import { keyHint, publicKeyDer } from "../../core/keys.ts";
import type { RunOptions } from "../../core/options.ts";
import type { Signer } from "../../core/signer.ts";
import { signingChain } from "../_certificate/mod.ts";
import { type FileContent, named } from "../_input/mod.ts";
import {
  type CertificateKey,
  certificateKey,
  parseCertificate,
  readCertificates,
} from "../_x509/mod.ts";
import { list } from "./objects.ts";
import {
  openTokenKey,
  type TokenCertificate,
  type TokenKey,
  type TokenKeyOptions,
  unsupported,
} from "./token_key.ts";

/** What a certificate signer is made of. */
export type TokenCertificateOptions = TokenKeyOptions & {
  /** The certificate of the key, PEM or DER, with or without CAs beside it. Default: the one in the token. */
  readonly certificate?: FileContent;
  /** The CAs above it, PEM or DER, in any order, with or without the root. */
  readonly chain?: readonly FileContent[];
};

/** Signs with a key; the bundle names it by the hash of its public half only. */
export async function openKeySigner(options: TokenKeyOptions, run: RunOptions): Promise<Signer> {
  return await opened(options, run, (key) => {
    const publicKey = publicKeyFor(key);
    return { publicKey, material: { kind: "public-key", hint: keyHint(publicKey) } };
  });
}

/** Signs with a key and its certificate. */
export async function openCertificateSigner(
  options: TokenCertificateOptions,
  run: RunOptions,
): Promise<Signer> {
  return await opened(options, run, async (key) => {
    const publicKey = publicKeyFor(key, options.certificate);
    const certificates = await signingChain({
      key: publicKey,
      certificate: options.certificate ?? certificateOf(key, publicKey),
      chain: options.chain ?? [],
    });
    return { publicKey, material: { kind: "certificate-chain", certificates } };
  });
}

type Named = { readonly publicKey: KeyObject; readonly material: VerificationMaterial };

async function opened(
  options: TokenKeyOptions,
  run: RunOptions,
  name: (key: TokenKey) => Named | Promise<Named>,
): Promise<Signer> {
  // Node 22 has no DisposableStack. It cannot load modules either, and says so here.
  const resource = await openTokenKey(options, run);
  using stack = new DisposableStack();
  const key = stack.use(resource);
  const { publicKey, material } = await name(key);
  const sign = key.signing(publicKey);
  const der = publicKeyDer(publicKey);
  const resources = stack.move();
  return {
    async sign(pae, options) {
      return { signature: await sign(pae, options), publicKey: der, material };
    },
    [Symbol.asyncDispose]: () => {
      resources.dispose();
      return Promise.resolve();
    },
  };
}

/**
 * The public half: as the token tells it, else out of a certificate, as smart cards have it. Whether it is the right one
 * is checked with the first signature.
 */
function publicKeyFor(key: TokenKey, certificate?: FileContent): KeyObject {
  const found = key.publicKey ?? certifiedKey(key, certificate);
  if ("key" in found) return found.key;
  throw unsupported(key.name, found.refused);
}

function certifiedKey(key: TokenKey, given: FileContent | undefined): CertificateKey {
  const [own] = key.certificates;
  if (own !== undefined) return keyOf(own.der);
  if (given !== undefined) {
    const { name, bytes } = named(given, "signing certificate", 0);
    const [first] = readCertificates(bytes, name);
    return certificateKey(first!.publicKeyInfo);
  }
  throw new ModelSigningError(
    "PKCS11_OBJECT",
    `the token has neither a public key nor a certificate for key ${key.name}`,
    { hint: "add one, with the same id as the private key: pkcs11-tool --write-object" },
  );
}

/** The token's certificate for a key. */
function certificateOf(key: TokenKey, publicKey: KeyObject): FileContent {
  const wanted = publicKeyDer(publicKey);
  const own = key.certificates.filter(({ der }) => {
    const found = keyOf(der);
    return "key" in found && Buffer.from(wanted).equals(publicKeyDer(found.key));
  });
  const [certificate, ...others] = withoutRepeats(own);
  if (certificate !== undefined && others.length === 0) {
    return { name: `the certificate of key ${key.name}`, bytes: certificate.der };
  }
  const listed = (found: readonly TokenCertificate[]) => list(found.map(({ object }) => object));
  throw new ModelSigningError(
    "PKCS11_CERTIFICATE",
    own.length > 0
      ? `the token has several certificates for key ${key.name}: ${listed(own)}`
      : key.certificates.length > 0
      ? `what the token has beside key ${key.name} are certificates of other keys: ${
        listed(key.certificates)
      }`
      : `the token has no certificate for key ${key.name}`,
  );
}

function withoutRepeats(certificates: readonly TokenCertificate[]): readonly TokenCertificate[] {
  return certificates.filter(({ der }, index) =>
    certificates.findIndex((other) => Buffer.from(other.der).equals(der)) === index
  );
}

function keyOf(der: Uint8Array): CertificateKey {
  const parsed = parseCertificate(der);
  return parsed.ok
    ? certificateKey(parsed.value.publicKeyInfo)
    : { refused: "a malformed certificate" };
}
