/**
 * Naming the key types that are refused.
 *
 * The runtimes do not agree on which of them they read, nor on what they say of the others, so the
 * identifiers are looked at first.
 */

import { elements, oidText } from "./outline.ts";
import { type Element, TAG } from "./reader.ts";

const ID_EC = "1.2.840.10045.2.1";

/** RSA and Ed25519. */
const ACCEPTED: ReadonlySet<string> = new Set(["1.2.840.113549.1.1.1", "1.3.101.112"]);

/** P-256, P-384, P-521. */
const ACCEPTED_CURVES: ReadonlySet<string> = new Set([
  "1.2.840.10045.3.1.7",
  "1.3.132.0.34",
  "1.3.132.0.35",
]);

const NAMES: Readonly<Record<string, string>> = {
  "1.2.840.113549.1.1.10": "an RSA-PSS key",
  "1.2.840.113549.1.3.1": "a Diffie-Hellman key",
  "1.2.840.10040.4.1": "a DSA key",
  "1.3.101.110": "an X25519 key",
  "1.3.101.111": "an X448 key",
  "1.3.101.113": "an Ed448 key",
};

const CURVE_NAMES: Readonly<Record<string, string>> = {
  "1.2.840.10045.3.1.1": "P-192",
  "1.3.132.0.10": "secp256k1",
  "1.3.132.0.33": "secp224r1",
  "1.3.36.3.3.2.8.1.1.7": "brainpoolP256r1",
  "1.3.36.3.3.2.8.1.1.11": "brainpoolP384r1",
  "1.3.36.3.3.2.8.1.1.13": "brainpoolP512r1",
};

/**
 * What an AlgorithmIdentifier (RFC 5280 4.1.1.2) stands for, as a noun phrase, when keys of that kind are
 * refused; undefined when they are not, or when it is none.
 */
export function refusedAlgorithm(identifier: Element | undefined): string | undefined {
  const [id, parameters] = identifier?.tag === TAG.sequence
    ? elements(identifier.content) ?? []
    : [];
  const algorithm = oidText(id);
  if (algorithm === undefined) return undefined;
  if (algorithm === ID_EC) return refusedCurve(parameters);
  if (ACCEPTED.has(algorithm)) return undefined;
  return NAMES[algorithm] ?? `a key of the type ${algorithm}`;
}

/** The same for ECParameters (RFC 5480 2.1.1), of which only named curves are accepted. */
export function refusedCurve(parameters: Element | undefined): string | undefined {
  const curve = oidText(parameters);
  if (curve === undefined) return "an EC key without a named curve";
  if (ACCEPTED_CURVES.has(curve)) return undefined;
  return `an EC key on the curve ${CURVE_NAMES[curve] ?? curve}`;
}
