/** Throw-away certification authorities, made by the real `openssl`. */

import { Buffer } from "node:buffer";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Key types that `openssl` makes for tests. */
export type KeyType =
  | "P-256"
  | "P-384"
  | "P-521"
  | "secp256k1"
  | "brainpoolP256r1"
  | "RSA-1024"
  | "RSA-2048"
  | "RSA-3072"
  | "RSA-PSS"
  | "Ed25519"
  | "Ed448";

/** What a certificate is to be. Everything has a default. */
export type CertificateSpec = {
  /** OpenSSL's slash form, such as `/O=Example/CN=signer`. Default: a common name of its own. */
  readonly subject?: string;
  /** A key type, or the path of a key to use again. Default P-256. */
  readonly key?: KeyType | { readonly path: string };
  /** Lines of an OpenSSL extension section. Default {@link CA_EXTENSIONS} or {@link LEAF_EXTENSIONS}. */
  readonly extensions?: readonly string[];
  /** Days from now, negative for the past. Default -1 and 365. */
  readonly from?: number;
  readonly to?: number;
  /** Digest of the issuer's signature. Default: the key type's own. */
  readonly digest?: "sha1" | "sha256" | "sha384" | "sha512";
  /** Sign with RSA-PSS. */
  readonly pss?: boolean;
};

/** A certificate and its key, as PEM files. */
export type Issued = {
  readonly certificate: string;
  readonly key: string;
};

/** What a revocation list is to be. */
export type CrlSpec = {
  readonly revoked?: readonly {
    readonly certificate: Issued;
    /** OpenSSL's word: `keyCompromise`, `certificateHold`, `removeFromCRL`. */
    readonly reason?: string;
  }[];
  /** Days from now. Default -1 and 30. */
  readonly from?: number;
  readonly to?: number;
  /** Lines of an OpenSSL extension section. */
  readonly extensions?: readonly string[];
};

/** Extensions of a CA that may issue anything. */
export const CA_EXTENSIONS: readonly string[] = [
  "basicConstraints=critical,CA:TRUE",
  "keyUsage=critical,keyCertSign,cRLSign",
  "subjectKeyIdentifier=hash",
];

/** Extensions of a certificate that may sign code. */
export const LEAF_EXTENSIONS: readonly string[] = [
  "keyUsage=critical,digitalSignature",
  "extendedKeyUsage=codeSigning",
  "subjectKeyIdentifier=hash",
  "authorityKeyIdentifier=keyid",
];

const CURVES: Partial<Record<KeyType, string>> = {
  "P-256": "P-256",
  "P-384": "P-384",
  "P-521": "P-521",
  secp256k1: "secp256k1",
  brainpoolP256r1: "brainpoolP256r1",
};

const DAY = 24 * 60 * 60 * 1000;

/** A folder of keys, certificates and lists. Dispose of it: `using pki = new Pki()`. */
export class Pki implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "pki-"));
  #count = 0;

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Runs `openssl` and gives what it printed. */
  openssl(args: readonly string[]): string {
    return execFileSync("openssl", args, {
      cwd: this.directory,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  }

  /** Whether `openssl` ends with status 0. */
  accepts(args: readonly string[]): boolean {
    try {
      this.openssl(args);
      return true;
    } catch {
      return false;
    }
  }

  /** Makes a private key (PKCS#8 PEM) and gives its path. */
  key(type: KeyType = "P-256"): string {
    const path = this.#path("key.pem");
    const curve = CURVES[type];
    const args = curve
      ? ["-algorithm", "EC", "-pkeyopt", `ec_paramgen_curve:${curve}`]
      : type === "Ed25519" || type === "Ed448"
      ? ["-algorithm", type]
      : type === "RSA-PSS"
      ? ["-algorithm", "RSA-PSS", "-pkeyopt", "rsa_keygen_bits:2048"]
      : ["-algorithm", "RSA", "-pkeyopt", `rsa_keygen_bits:${type.slice(4)}`];
    this.openssl(["genpkey", ...args, "-out", path]);
    return path;
  }

  /** Makes a self-signed CA. */
  root(spec: CertificateSpec = {}): Issued {
    return this.#certificate(undefined, { extensions: CA_EXTENSIONS, ...spec });
  }

  /** Makes a CA below another. */
  intermediate(issuer: Issued, spec: CertificateSpec = {}): Issued {
    return this.#certificate(issuer, { extensions: CA_EXTENSIONS, ...spec });
  }

  /** Makes a certificate that signs code, unless told otherwise. */
  leaf(issuer: Issued, spec: CertificateSpec = {}): Issued {
    return this.#certificate(issuer, { extensions: LEAF_EXTENSIONS, ...spec });
  }

  /** Makes a revocation list (PEM) and gives its path. */
  crl(issuer: Issued, spec: CrlSpec = {}): string {
    const config = this.#database(spec.extensions ?? []);
    for (const { certificate, reason } of spec.revoked ?? []) {
      const args = reason === undefined ? [] : ["-crl_reason", reason];
      this.openssl([
        "ca",
        "-config",
        config,
        ...signerOf(issuer),
        "-revoke",
        certificate.certificate,
        ...args,
      ]);
    }
    const path = this.#path("crl.pem");
    this.openssl([
      ...["ca", "-config", config, "-gencrl", ...signerOf(issuer), "-out", path],
      ...["-crl_lastupdate", utcTime(spec.from ?? -1), "-crl_nextupdate", utcTime(spec.to ?? 30)],
      ...(spec.extensions ? ["-crlexts", "extensions"] : []),
    ]);
    return path;
  }

  /** Writes a file and gives its path. */
  file(name: string, content: string | Uint8Array): string {
    const path = this.#path(name);
    writeFileSync(path, content);
    return path;
  }

  /** Writes several PEM files into one and gives its path. */
  bundle(...files: readonly string[]): string {
    return this.file("bundle.pem", files.map((file) => readFileSync(file, "utf8")).join("\n"));
  }

  #certificate(issuer: Issued | undefined, spec: CertificateSpec): Issued {
    const { key: keySpec = "P-256", extensions = [] } = spec;
    const key = typeof keySpec === "string" ? this.key(keySpec) : keySpec.path;
    const subject = spec.subject ?? `/CN=${issuer ? "certificate" : "root"} ${this.#count}`;
    const request = this.#path("request.pem");
    const digest = spec.digest ? [`-${spec.digest}`] : [];
    this.openssl(["req", "-new", "-utf8", "-key", key, "-subj", subject, "-out", request]);
    const certificate = this.#path("cert.pem");
    this.openssl([
      ...["ca", "-config", this.#database(extensions), "-batch", "-notext", "-preserveDN", "-utf8"],
      ...(issuer ? signerOf(issuer) : ["-selfsign", "-keyfile", key]),
      ...["-in", request, "-out", certificate],
      ...["-startdate", utcTime(spec.from ?? -1), "-enddate", utcTime(spec.to ?? 365)],
      ...(extensions.length > 0 ? ["-extensions", "extensions"] : []),
      ...(digest.length > 0 ? ["-md", spec.digest!] : []),
      ...(spec.pss ? ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:digest"] : []),
    ]);
    return { certificate, key };
  }

  /** A new CA database with its configuration; every call has its own, so nothing is remembered. */
  #database(extensions: readonly string[]): string {
    const folder = this.#path("ca");
    mkdirSync(folder);
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "index.txt.attr"), "unique_subject = no\n");
    writeFileSync(join(folder, "crlnumber"), "01\n");
    const attributes = [
      ...["countryName", "stateOrProvinceName", "localityName", "organizationName", "commonName"],
      ...["organizationalUnitName", "emailAddress", "domainComponent", "serialNumber", "UID"],
    ];
    const config = join(folder, "openssl.cnf");
    writeFileSync(
      config,
      [
        "[ca]",
        "default_ca = authority",
        "[authority]",
        `dir = ${folder}`,
        "database = $dir/index.txt",
        "new_certs_dir = $dir",
        "crlnumber = $dir/crlnumber",
        "rand_serial = yes",
        "default_md = default",
        "policy = policy",
        "[policy]",
        ...attributes.map((attribute) => `${attribute} = optional`),
        "[extensions]",
        ...extensions,
      ].join("\n"),
    );
    return config;
  }

  #path(name: string): string {
    return join(this.directory, `${++this.#count}-${name}`);
  }
}

/** DER of the first block in a PEM file. */
export function derOf(path: string): Uint8Array {
  const [, base64 = ""] =
    /-----BEGIN [A-Z0-9 ]+-----([\s\S]*?)-----END/.exec(readFileSync(path, "utf8")) ?? [];
  return new Uint8Array(Buffer.from(base64, "base64"));
}

function signerOf(issuer: Issued): readonly string[] {
  return ["-cert", issuer.certificate, "-keyfile", issuer.key];
}

/** `YYMMDDHHMMSSZ`, or with four digits of the year where OpenSSL needs them. */
function utcTime(days: number): string {
  const text = new Date(Date.now() + days * DAY).toISOString().replace(/[-:T]|\.\d+/g, "");
  const year = Number(text.slice(0, 4));
  return year < 2050 ? text.slice(2) : text;
}
