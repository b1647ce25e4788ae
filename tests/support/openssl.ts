/** The real `openssl`: makes keys in every form, and is the judge of our signatures. */

import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";

/** Key types by name, with the arguments that make them. */
const GENERATE: Readonly<Record<string, readonly string[]>> = {
  "EC P-256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
  "EC P-384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
  "EC P-521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
  "Ed25519": ["ED25519"],
  "RSA 2048": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
  "RSA 3072": ["RSA", "-pkeyopt", "rsa_keygen_bits:3072"],
  "RSA 4096": ["RSA", "-pkeyopt", "rsa_keygen_bits:4096"],
  "RSA 1024": ["RSA", "-pkeyopt", "rsa_keygen_bits:1024"],
  "RSA 2047": ["RSA", "-pkeyopt", "rsa_keygen_bits:2047"],
  "RSA-PSS": ["RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"],
  "secp256k1": ["EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
  "secp224r1": ["EC", "-pkeyopt", "ec_paramgen_curve:secp224r1"],
  "brainpoolP256r1": ["EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"],
  "EC without a named curve": [
    ...["EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit"],
  ],
  "X25519": ["X25519"],
  "X448": ["X448"],
  "Ed448": ["ED448"],
};

const KEYS = new Map<string, string>();

/** Key types that the format signs with. */
export const ACCEPTED_TYPES: readonly string[] = [
  ...["EC P-256", "EC P-384", "EC P-521", "Ed25519", "RSA 2048", "RSA 3072", "RSA 4096"],
];

/** Key types that are refused. */
export const REFUSED_TYPES: readonly string[] = [
  ...Object.keys(GENERATE).filter((type) => !ACCEPTED_TYPES.includes(type)),
  "DSA",
];

/** Runs `openssl` with `input` as its standard input and gives its standard output. */
export function openssl(args: readonly string[], input: string | Uint8Array = ""): Buffer {
  const { stdout, stderr, status } = spawnSync("openssl", args, { input });
  if (status !== 0) throw new Error(`openssl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

/** Whether `openssl` ends with status 0. */
export function opensslAccepts(args: readonly string[], input: string | Uint8Array = ""): boolean {
  return spawnSync("openssl", args, { input }).status === 0;
}

/** A private key as PKCS#8 PEM. There is one of each type in a process: large RSA keys take seconds. */
export function opensslKey(type: string): string {
  const known = KEYS.get(type);
  if (known !== undefined) return known;
  const key = type === "DSA" ? dsaKey() : generate(GENERATE[type]!);
  KEYS.set(type, key);
  return key;
}

/** The public half as SubjectPublicKeyInfo PEM. */
export function opensslPublicKey(privateKey: string): string {
  return openssl(["pkey", "-pubout"], privateKey).toString();
}

function generate(algorithm: readonly string[]): string {
  return openssl(["genpkey", "-algorithm", ...algorithm]).toString();
}

function dsaKey(): string {
  const parameters = openssl([
    ...["genpkey", "-genparam", "-algorithm", "DSA"],
    ...["-pkeyopt", "dsa_paramgen_bits:1024", "-pkeyopt", "dsa_paramgen_q_bits:160"],
  ]);
  return openssl(["genpkey", "-paramfile", "/dev/stdin"], parameters).toString();
}
