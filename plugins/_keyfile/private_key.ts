/** Private keys in files. */

import { Buffer } from "node:buffer";
import { createPrivateKey, type KeyObject } from "node:crypto";
import { ModelSigningError } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm } from "../../core/keys.ts";
import type { Secret } from "../../core/secret.ts";
import { quote } from "../../core/text.ts";
import { context, elements, refusedAlgorithm, refusedCurve, sequence, TAG } from "../_der/mod.ts";
import { type Decrypted, decryptPkcs8, decryptTraditional, isEncryptedPkcs8 } from "./decrypt.ts";
import { pemBlocks } from "../_input/mod.ts";
import { isConvertible, opensshKeyType } from "./openssh.ts";
import { refuseUtf16 } from "./utf16.ts";

/** A private key as a file holds it. */
type Encoded = {
  readonly der: Uint8Array;
  /** Set for encrypted keys. */
  readonly decrypt?: (password: string) => Decrypted;
};

const LABELS: ReadonlySet<string> = new Set([
  "PRIVATE KEY",
  "ENCRYPTED PRIVATE KEY",
  "EC PRIVATE KEY",
  "RSA PRIVATE KEY",
]);

/**
 * Reads a private key: PEM (SEC1, PKCS#1, PKCS#8, each also encrypted) or DER. Blocks of other kinds in a
 * PEM file, such as EC parameters and certificates, are skipped; two keys are refused.
 *
 * @param name names the key in messages: its path
 * @param password asked for only when the key is encrypted
 * @throws {ModelSigningError} `KEY_MALFORMED`, `KEY_UNSUPPORTED`, `KEY_PASSWORD_WRONG`
 */
export async function readPrivateKey(
  bytes: Uint8Array,
  name: string,
  password: () => Promise<Secret>,
): Promise<KeyObject> {
  const encoded = findKey(bytes, name);
  let der = encoded.der;
  if (encoded.decrypt) {
    const secret = (await password()).reveal();
    const result = encoded.decrypt(secret);
    if (result.kind === "unsupported") {
      throw new ModelSigningError(
        "KEY_UNSUPPORTED",
        `cannot decrypt private key ${quote(name)}: it uses ${result.what}`,
        { hint: "convert it with: openssl pkcs8 -topk8 -v2 aes256 -in KEY -out NEW_KEY" },
      );
    }
    if (result.kind === "wrong-password") {
      throw new ModelSigningError(
        "KEY_PASSWORD_WRONG",
        // A key can have an empty password; more often the file or the variable for it is empty.
        `cannot decrypt private key ${quote(name)}: the password is ${
          secret === "" ? "empty, and the key has another one" : "wrong"
        }`,
      );
    }
    der = result.der;
  }
  return importKey(der, name);
}

function findKey(bytes: Uint8Array, name: string): Encoded {
  const blocks = pemBlocks(bytes);
  const keys = blocks.filter(({ label }) => LABELS.has(label));
  const [key, second] = keys;
  if (second) {
    throw new ModelSigningError("KEY_MALFORMED", `${quote(name)} holds more than one private key`);
  }
  if (key) {
    const dekInfo = key.headers["dek-info"];
    if (dekInfo !== undefined) {
      return {
        der: key.der,
        decrypt: (password) => decryptTraditional(key.der, dekInfo, password),
      };
    }
    return fromDer(key.der);
  }
  if (blocks.length > 0) {
    const openssh = blocks.find(({ label }) => label === "OPENSSH PRIVATE KEY");
    if (openssh) throw opensshKey(openssh.der, name);
    const labels = [...new Set(blocks.map(({ label }) => label))].join(", ");
    throw new ModelSigningError(
      "KEY_MALFORMED",
      `${quote(name)} holds ${labels}, expected a private key`,
    );
  }
  refuseUtf16(bytes, name);
  return fromDer(bytes);
}

function opensshKey(der: Uint8Array, name: string): ModelSigningError {
  const type = opensshKeyType(der);
  const what = type === undefined ? "a private key" : `a private key of the type ${type}`;
  return new ModelSigningError(
    "KEY_MALFORMED",
    `${quote(name)} is ${what} in OpenSSH's own form, expected PKCS#8, PKCS#1 or SEC1`,
    {
      hint: type !== undefined && isConvertible(type)
        ? "convert a copy with: ssh-keygen -p -m PKCS8 -f KEY"
        : "ssh-keygen cannot convert it; make another key with: openssl genpkey -algorithm ed25519 -out KEY",
    },
  );
}

function fromDer(der: Uint8Array): Encoded {
  return isEncryptedPkcs8(der)
    ? { der, decrypt: (password) => decryptPkcs8(der, password) }
    : { der };
}

function importKey(der: Uint8Array, name: string): KeyObject {
  const type = structure(der);
  if (type === "pkcs12") {
    throw new ModelSigningError(
      "KEY_MALFORMED",
      `${quote(name)} is a PKCS#12 container, expected a private key`,
      { hint: "take the key out with: openssl pkcs12 -in FILE -nocerts -out key.pem" },
    );
  }
  if (type === undefined) {
    throw new ModelSigningError(
      "KEY_MALFORMED",
      `${quote(name)} is not a private key in PEM or DER form`,
    );
  }
  const refused = refusedType(der, type);
  if (refused !== undefined) throw unsupported(name, refused);
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: Buffer.from(der), format: "der", type });
  } catch (error) {
    throw new ModelSigningError("KEY_MALFORMED", `cannot read private key ${quote(name)}`, {
      hint: `supported are ${ACCEPTED_KEYS}, with named curves`,
      cause: error,
    });
  }
  const found = keyAlgorithm(key);
  if ("refused" in found) throw unsupported(name, found.refused);
  return key;
}

/** The structures of unencrypted keys. */
type KeyStructure = "pkcs8" | "pkcs1" | "sec1";

/** Version of a PKCS#12 container (RFC 7292 4), whose second element is a SEQUENCE like that of PKCS#8. */
const PFX_VERSION = 3;

/** Which structure it is: their second elements tell them apart. */
function structure(der: Uint8Array): KeyStructure | "pkcs12" | undefined {
  const [version, second] = sequence(der) ?? [];
  if (version?.tag !== TAG.integer) return undefined;
  if (second?.tag === TAG.sequence) {
    return version.content.length === 1 && version.content[0] === PFX_VERSION ? "pkcs12" : "pkcs8";
  }
  if (second?.tag === TAG.octetString) return "sec1";
  return second?.tag === TAG.integer ? "pkcs1" : undefined;
}

/** PKCS#8 has the algorithm in its second element, SEC1 the curve below [0]. */
function refusedType(der: Uint8Array, type: KeyStructure): string | undefined {
  const parts = sequence(der) ?? [];
  if (type === "pkcs8") return refusedAlgorithm(parts[1]);
  const parameters = parts.find(({ tag }) => tag === context(0, "constructed"));
  return parameters && refusedCurve(elements(parameters.content)?.[0]);
}

function unsupported(name: string, what: string): ModelSigningError {
  return new ModelSigningError(
    "KEY_UNSUPPORTED",
    `private key ${quote(name)} is ${what}, expected ${ACCEPTED_KEYS}`,
  );
}
