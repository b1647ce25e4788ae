/**
 * SoftHSM tokens with keys that `pkcs11-tool` made: a real PKCS#11 module without hardware. `apt-get install softhsm2
 * opensc gcc` brings what it takes; elsewhere than in CI the tests that need it are skipped, and say so.
 */

import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { derOf } from "./pki.ts";
import { isInstalled, leftOutTest } from "./left_out.ts";

/** What `pkcs11-tool` calls the key types that models are signed with. */
export const TOKEN_KEY_TYPES: Readonly<Record<string, string>> = {
  "EC P-256": "EC:prime256v1",
  "EC P-384": "EC:secp384r1",
  "EC P-521": "EC:secp521r1",
  "RSA 2048": "rsa:2048",
  "Ed25519": "EC:edwards25519",
};

/** The user PIN of every token. */
export const PIN = "27182818";

/** A SubjectPublicKeyInfo up to the point, hex, by what `pkcs11-tool` calls the curve. */
const BEFORE_POINT: Readonly<Record<string, string>> = {
  "06082a8648ce3d030107": "3059301306072a8648ce3d020106082a8648ce3d030107034200",
  "06052b81040022": "3076301006072a8648ce3d020106052b81040022036200",
  "06052b81040023": "30819b301006072a8648ce3d020106052b8104002303818600",
  "130c656477617264733235353139": "302a300506032b6570032100",
};

const POINT_BYTES: Readonly<Record<string, number>> = {
  "06082a8648ce3d030107": 65,
  "06052b81040022": 97,
  "06052b81040023": 133,
  "130c656477617264733235353139": 32,
};

const SECURITY_OFFICER_PIN = "31415926";

const MODULE = [
  "/usr/lib/softhsm/libsofthsm2.so",
  "/usr/lib64/softhsm/libsofthsm2.so",
  "/usr/lib64/pkcs11/libsofthsm2.so",
  "/opt/homebrew/lib/softhsm/libsofthsm2.so",
  "/usr/local/lib/softhsm/libsofthsm2.so",
].find((path) => existsSync(path));

/** How a key is made. */
export type KeySpec = {
  /** One of {@link TOKEN_KEY_TYPES}, or what `pkcs11-tool --key-type` takes. Default `EC P-256`. */
  readonly type?: string;
  /** Hex. */
  readonly id?: string;
  /** The PIN confirms each use. */
  readonly alwaysAuthenticate?: boolean;
};

/** What a module that stands between the program and SoftHSM makes of SoftHSM's answers: macros of `token_shim.c`. */
export type ShimSpec = Readonly<Record<string, string | number>>;

/** Tokens in a folder of their own. Dispose of it: `using hsm = new SoftHsm()`. */
export class SoftHsm implements Disposable {
  readonly directory: string = mkdtempSync(join(tmpdir(), "softhsm-"));
  readonly #configuration = join(this.directory, "softhsm2.conf");
  #count = 0;

  /** With one token, called `hsm`. */
  constructor() {
    mkdirSync(join(this.directory, "tokens"));
    writeFileSync(
      this.#configuration,
      `directories.tokendir = ${join(this.directory, "tokens")}\nlog.level = ERROR\n`,
    );
    this.token("hsm");
  }

  [Symbol.dispose](): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** The module, an absolute path. */
  get module(): string {
    return MODULE!;
  }

  /** What the program must be started with to see these tokens, and no PIN. */
  get env(): Readonly<Record<string, string>> {
    return { SOFTHSM2_CONF: this.#configuration, PKCS11_PIN: "" };
  }

  /** A URI of a key in the token `hsm`, whose module is named by its path. */
  uri(path: string, query = ""): string {
    return `pkcs11:token=hsm;${path}?module-path=${this.module}${query}`;
  }

  /** Makes a token. */
  token(label: string): void {
    this.#run("softhsm2-util", [
      ...["--init-token", "--free", "--label", label],
      ...["--pin", PIN, "--so-pin", SECURITY_OFFICER_PIN],
    ]);
  }

  /** Makes a key in a token. */
  key(label: string, { type = "EC P-256", id = "01", alwaysAuthenticate }: KeySpec = {}): void {
    this.tool([
      ...["--keypairgen", "--key-type", TOKEN_KEY_TYPES[type] ?? type],
      ...["--label", label, "--id", id, "--usage-sign"],
      ...(alwaysAuthenticate ? ["--always-auth"] : []),
    ]);
  }

  /** The public half of a key as `pkcs11-tool` tells it: a path of a DER file. */
  publicKey(label: string): string {
    const path = join(this.directory, `${++this.#count}.pub`);
    const what = ["--type", "pubkey", "--label", label];
    const shown = this.tool(["--list-objects", ...what]);
    const [, wrapped] = /EC_POINT:\s+([0-9a-f]+)/.exec(shown) ?? [];
    const [, curve] = /EC_PARAMS:\s+([0-9a-f]+)/.exec(shown) ?? [];
    if (wrapped === undefined || curve === undefined) {
      this.tool(["--read-object", ...what, "--output-file", path]);
    } else {
      // --read-object fails for P-384 and Ed25519 (OpenSC 0.23).
      const head = BEFORE_POINT[curve]!;
      const point = wrapped.slice(-2 * POINT_BYTES[curve]!);
      writeFileSync(path, Buffer.from(head + point, "hex"));
    }
    return path;
  }

  /** Puts a private key from a PKCS#8 file into the token, with its public half. */
  importKey(path: string, label: string, id: string): void {
    this.#run("softhsm2-util", [
      ...["--import", path, "--token", "hsm", "--pin", PIN, "--label", label, "--id", id],
    ]);
  }

  /** Puts a certificate (PEM) into the token. */
  importCertificate(path: string, label: string, id: string): void {
    const der = join(this.directory, `${++this.#count}.der`);
    writeFileSync(der, derOf(path));
    this.tool(["--write-object", der, "--type", "cert", "--label", label, "--id", id]);
  }

  /** Deletes an object of a `pkcs11-tool` type, such as `pubkey`. */
  remove(type: string, label: string): void {
    this.tool(["--delete-object", "--type", type, "--label", label]);
  }

  /** Runs `pkcs11-tool` on a token, logged in, and gives what it printed. */
  tool(args: readonly string[], token = "hsm"): string {
    return this.#run("pkcs11-tool", [
      ...["--module", this.module, "--token-label", token, "--login", "--pin", PIN, ...args],
    ]);
  }

  /** What `pkcs11-tool` says of the slots. */
  slots(): string {
    return this.#run("pkcs11-tool", ["--module", this.module, "--list-slots"]);
  }

  /** Whether SoftHSM says that a wrong PIN was entered since the last right one. */
  wrongPinWasTried(): boolean {
    return /user PIN count low/i.test(this.slots());
  }

  /** A module that passes everything on to SoftHSM with these tokens, and changes some answers. */
  shim(spec: ShimSpec = {}): string {
    const path = join(this.directory, `shim-${++this.#count}.so`);
    const macros = { CONFIGURATION: this.#configuration, MODULE: this.module, PIN, ...spec };
    const source = fileURLToPath(new URL("./token_shim.c", import.meta.url));
    this.#run("cc", [
      ...["-shared", "-fPIC", "-Wall", "-Werror", "-o", path, source, "-ldl"],
      ...Object.entries(macros).map(([name, value]) =>
        `-D${name}=${typeof value === "number" ? value : JSON.stringify(value)}`
      ),
    ]);
    return path;
  }

  #run(command: string, args: readonly string[]): string {
    const { status, stdout, stderr } = spawnSync(command, args, {
      encoding: "utf8",
      env: { ...process.env, ...this.env } as Record<string, string>,
    });
    if (status !== 0) throw new Error(`${command} ${args.join(" ")}: ${stdout}${stderr}`);
    return stdout;
  }
}

/**
 * A test with tokens of its own.
 *
 * @param register how the test is registered, when it needs something else besides
 */
export function hsmTest<More extends readonly unknown[] = []>(
  name: string,
  body: (hsm: SoftHsm, ...more: More) => void | Promise<void>,
  register: (name: string, run: (...more: More) => Promise<void>) => void = plainTest,
): void {
  const missing = [
    ...(MODULE === undefined ? ["SoftHSM"] : []),
    ...["softhsm2-util", "pkcs11-tool", "cc"].filter((command) => !isInstalled(command)),
  ];
  if (missing.length > 0) {
    leftOutTest(name, `not installed: ${missing.join(", ")} (softhsm2 opensc gcc)`);
    return;
  }
  register(name, async (...more) => {
    using hsm = new SoftHsm();
    await body(hsm, ...more);
  });
}

function plainTest(name: string, run: () => Promise<void>): void {
  test(name, () => run());
}
