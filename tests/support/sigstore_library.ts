/** The real `@sigstore/verify`: judges the bundles that ours judges. */

import { Buffer } from "node:buffer";
import type { KeyObject } from "node:crypto";
import { createRequire } from "node:module";
import { bundleFromJSON } from "@sigstore/bundle";
import { TrustedRoot } from "@sigstore/protobuf-specs";
import { toSignedEntity, toTrustMaterial, Verifier } from "@sigstore/verify";
import type { Loose } from "./bundles.ts";

/** The module through which the library verifies every signature. */
type LibraryCrypto = {
  verify(data: Uint8Array, key: KeyObject, signature: Uint8Array, algorithm?: string): boolean;
};

// The object that the library itself holds: an import would give a copy of its members.
const crypto: LibraryCrypto = createRequire(import.meta.url)("@sigstore/core/dist/crypto.js");

/** What the library is asked. */
export type LibraryQuestion = {
  /** A bundle's JSON. */
  readonly bundle: Loose;
  /** A TrustedRoot message. */
  readonly root: Loose;
  readonly identity: string;
  readonly issuer: string;
  /** Of a message signature. */
  readonly artifact?: Uint8Array;
};

/** Why the library refuses a bundle; undefined when it accepts. */
export function libraryRefusal(asked: LibraryQuestion): string | undefined {
  const { verify } = crypto;
  // It leaves the digest to the runtime; Deno has no default and throws, which the library takes for "no".
  crypto.verify = (data, key, signature, algorithm) =>
    verify(data, key, signature, algorithm ?? digestFor(key));
  try {
    return unfixedLibraryRefusal(asked);
  } finally {
    crypto.verify = verify;
  }
}

/** The same for the library as it comes. */
export function unfixedLibraryRefusal(
  { bundle, root, identity, issuer, artifact }: LibraryQuestion,
): string | undefined {
  try {
    const parsed = bundleFromJSON(bundle);
    const verifier = new Verifier(toTrustMaterial(TrustedRoot.fromJSON(root)));
    const entity = toSignedEntity(parsed, artifact && Buffer.from(artifact));
    verifier.verify(entity, {
      subjectAlternativeName: `^${identity.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")}$`,
      extensions: { issuer },
    });
    return undefined;
  } catch (error) {
    return String(error);
  }
}

/** What signatures with a key are made over; undefined where the algorithm hashes by itself. */
function digestFor({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType === "ed25519") return undefined;
  const byCurve: Readonly<Record<string, string>> = { secp384r1: "sha384", secp521r1: "sha512" };
  return byCurve[asymmetricKeyDetails?.namedCurve ?? ""] ?? "sha256";
}
