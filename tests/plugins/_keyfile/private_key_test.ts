import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { spawnSync } from "node:child_process";
import type { KeyObject } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { keyHint } from "../../../core/keys.ts";
import { Secret } from "../../../core/secret.ts";
import { readPrivateKey } from "../../../plugins/_keyfile/mod.ts";
import { sha256 } from "../../support/bundles.ts";
import {
  ACCEPTED_TYPES,
  openssl,
  opensslKey,
  opensslPublicKey,
  REFUSED_TYPES,
} from "../../support/openssl.ts";

const PASSWORD = "correct horse battery staple";
const P256 = opensslKey("EC P-256");

/** Reads a key that is not encrypted: no password is asked for. */
function plain(bytes: string | Uint8Array): Promise<KeyObject> {
  return readPrivateKey(Buffer.from(bytes), "key.pem", () => {
    throw new Error("a password was asked for");
  });
}

/** Reads an encrypted key; the password is asked for exactly once. */
async function encrypted(bytes: string | Uint8Array, password = PASSWORD): Promise<KeyObject> {
  let asked = 0;
  const key = await readPrivateKey(Buffer.from(bytes), "key.pem", () => {
    asked++;
    return Promise.resolve(new Secret(password));
  });
  assert.equal(asked, 1);
  return key;
}

function assertSame(key: KeyObject, pem: string): void {
  assert.equal(key.type, "private");
  assert.equal(keyHint(key), sha256(opensslPublicKey(pem)));
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<ModelSigningError> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

/** PKCS#8 under PBES2, as `openssl pkcs8` makes it. */
function pkcs8(pem: string, options: readonly string[], password = PASSWORD): Buffer {
  return openssl(["pkcs8", "-topk8", ...options, "-passout", `pass:${password}`], pem);
}

for (const type of ACCEPTED_TYPES) {
  test(`readPrivateKey() reads PKCS#8, PEM and DER: ${type}`, async () => {
    const pem = opensslKey(type);
    assertSame(await plain(pem), pem);
    assertSame(await plain(openssl(["pkcs8", "-topk8", "-nocrypt", "-outform", "DER"], pem)), pem);
  });

  test(`readPrivateKey() reads encrypted PKCS#8, PEM and DER: ${type}`, async () => {
    const pem = opensslKey(type);
    assertSame(await encrypted(pkcs8(pem, ["-v2", "aes-256-cbc"])), pem);
    assertSame(await encrypted(pkcs8(pem, ["-v2", "aes-256-cbc", "-outform", "DER"])), pem);
  });

  if (type !== "Ed25519") {
    const tool = type.startsWith("EC") ? "ec" : "rsa";
    const traditional = tool === "rsa" ? ["-traditional"] : [];
    test(`readPrivateKey() reads the traditional form, PEM and DER: ${type}`, async () => {
      const pem = opensslKey(type);
      const text = openssl([tool, ...traditional], pem);
      assert.match(text.toString(), /-----BEGIN (EC|RSA) PRIVATE KEY-----/);
      assertSame(await plain(text), pem);
      assertSame(await plain(openssl([tool, ...traditional, "-outform", "DER"], pem)), pem);
    });

    for (const cipher of ["aes128", "aes192", "aes256", "des3"]) {
      test(`readPrivateKey() reads the traditional form under ${cipher}: ${type}`, async () => {
        const pem = opensslKey(type);
        const args = [tool, ...traditional, `-${cipher}`, "-passout", `pass:${PASSWORD}`];
        const text = openssl(args, pem);
        assert.match(text.toString(), /Proc-Type: 4,ENCRYPTED/);
        assertSame(await encrypted(text), pem);
        await refused(encrypted(text, "wrong"), "KEY_PASSWORD_WRONG");
      });
    }
  }
}

for (const cipher of ["aes-128-cbc", "aes-192-cbc", "aes-256-cbc", "des3"]) {
  for (const prf of ["SHA1", "SHA224", "SHA256", "SHA384", "SHA512"]) {
    test(`readPrivateKey() reads PBES2 with ${cipher} and hmacWith${prf}`, async () => {
      const pem = pkcs8(P256, ["-v2", cipher, "-v2prf", `hmacWith${prf}`]);
      assertSame(await encrypted(pem), P256);
      await refused(encrypted(pem, "wrong"), "KEY_PASSWORD_WRONG");
      await refused(encrypted(pem, ""), "KEY_PASSWORD_WRONG");
    });
  }
  test(`readPrivateKey() reads PBES2 with ${cipher} and scrypt`, async () => {
    const pem = pkcs8(P256, ["-v2", cipher, "-scrypt"]);
    assertSame(await encrypted(pem), P256);
    await refused(encrypted(pem, "wrong"), "KEY_PASSWORD_WRONG");
  });
}

test("readPrivateKey() reads scrypt with other parameters", async () => {
  for (
    const options of [["-scrypt_N", "2", "-scrypt_r", "1"], ["-scrypt_N", "1024", "-scrypt_p", "4"]]
  ) {
    assertSame(await encrypted(pkcs8(P256, ["-scrypt", ...options])), P256);
  }
});

test("readPrivateKey() takes as many iterations as others ask for", async () => {
  assertSame(await encrypted(pkcs8(P256, ["-v2", "aes256", "-iter", "1000000"])), P256);
});

test("readPrivateKey() takes passwords of any text", async () => {
  for (
    const password of [
      "pässwörd",
      "日本語 🔑",
      " leading and trailing ",
      "'\"\\$`",
      "x".repeat(500),
    ]
  ) {
    assertSame(await encrypted(pkcs8(P256, ["-v2", "aes256"], password), password), P256);
  }
});

test("readPrivateKey() takes an empty password where the key has one", async () => {
  assertSame(await encrypted(pkcs8(P256, ["-v2", "aes256"], ""), ""), P256);
});

test("readPrivateKey() does not normalise passwords", async () => {
  const pem = pkcs8(P256, ["-v2", "aes256"], "\u00e9");
  await refused(encrypted(pem, "e\u0301"), "KEY_PASSWORD_WRONG");
});

test("readPrivateKey() refuses other encryptions, and says how to convert the key", async () => {
  const aria = openssl(
    ["rsa", "-traditional", "-aria128", "-passout", "pass:x"],
    opensslKey("RSA 2048"),
  );
  const keys = [
    pkcs8(P256, ["-v1", "PBE-SHA1-3DES"]),
    pkcs8(P256, ["-v1", "PBE-SHA1-3DES", "-outform", "DER"]),
    pkcs8(P256, ["-v2", "aria256"]),
    aria,
    aria.toString().replace(/DEK-Info: .*/, "DEK-Info: DES-CBC,0011223344556677"),
    aria.toString().replace(/DEK-Info: .*/, "DEK-Info: AES-128-CBC"),
    aria.toString().replace(/DEK-Info: .*/, "DEK-Info: AES-128-CBC,xyz"),
  ];
  for (const key of keys) {
    const error = await refused(encrypted(key), "KEY_UNSUPPORTED");
    assert.ok(error.hint);
  }
});

test("readPrivateKey() refuses key derivations that would not end", async () => {
  const der = (options: readonly string[]) => pkcs8(P256, [...options, "-outform", "DER"]);
  const iterations = der(["-v2", "aes256", "-iter", "8388607"]);
  const at = iterations.indexOf(Buffer.from("02037fffff", "hex"));
  assert.ok(at > 0);
  // 2^31 - 1 iterations; the lengths around the number grow with it.
  const excessive = Buffer.from(iterations);
  excessive.write("02047fffffff", at, "hex");
  const cut = Buffer.concat([excessive.subarray(0, at + 6), iterations.subarray(at + 5)]);
  for (const length of outerLengths(iterations, at)) cut[length]! += 1;
  await refused(encrypted(cut), "KEY_UNSUPPORTED");

  const scrypt = der(["-scrypt", "-scrypt_N", "16384", "-scrypt_r", "8"]);
  const cost = scrypt.indexOf(Buffer.from("02024000020108020101", "hex"));
  assert.ok(cost > 0);
  for (
    const parameters of [
      "02024001020108020101", // no power of 2
      "02020001020108020101", // a cost of 1
      "02020000020108020101",
      "020240000201000201ff",
      "02024000020100020101",
      "02024000020108020100",
      "02027f0002017f02017f",
      "0202400002017f02017f", // 4 GiB
      "0202ffff020108020101", // negative
    ]
  ) {
    const changed = Buffer.from(scrypt);
    changed.write(parameters, cost, "hex");
    await refused(encrypted(changed), "KEY_UNSUPPORTED");
  }
});

test("readPrivateKey() skips EC parameters, certificates and text around the key", async () => {
  const parameters = openssl(["ecparam", "-name", "prime256v1"]).toString();
  const own = openssl(["ec"], P256).toString();
  const certificate = openssl(
    ["req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"],
    P256,
  );
  for (
    const text of [
      `${parameters}${own}`,
      openssl(["ecparam", "-name", "prime256v1", "-genkey"]).toString(),
      `${certificate}${P256}`,
      `${P256}${certificate}`,
      `Bag Attributes\n    friendlyName: x\n${P256}\ntrailing text`,
      P256.replaceAll("\n", "\r\n"),
      P256.trimEnd(),
      `\ufeff${P256}`,
      P256.replaceAll("-----\n", "----- \t\n"),
    ]
  ) assert.equal((await plain(text)).asymmetricKeyType, "ec");
});

test("readPrivateKey() refuses two keys", async () => {
  await refused(plain(P256 + P256), "KEY_MALFORMED");
  await refused(plain(P256 + opensslKey("Ed25519")), "KEY_MALFORMED");
});

/** A private key of OpenSSH as far as its type; nobody reads on. */
function opensshKey(type: string, cipher = "none"): string {
  const text = (value: string | Uint8Array) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(value.length);
    return Buffer.concat([length, Buffer.from(value)]);
  };
  const header = [text(cipher), text("none"), text("")];
  const body = [Buffer.from("openssh-key-v1\0"), ...header, Buffer.of(0, 0, 0, 1)];
  const base64 = Buffer.concat([...body, text(text(type))]).toString("base64");
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${base64}\n-----END OPENSSH PRIVATE KEY-----\n`;
}

test("readPrivateKey() refuses OpenSSH's own form by the type of the key, and says how to convert what can be", async () => {
  for (
    const [type, hint] of Object.entries({
      "ecdsa-sha2-nistp256": /^convert a copy with: ssh-keygen/,
      "ssh-rsa": /^convert a copy with: ssh-keygen/,
      "ssh-ed25519": /cannot convert it; .*openssl genpkey/,
      "sk-ssh-ed25519@openssh.com": /cannot convert it/,
    })
  ) {
    for (const cipher of ["none", "aes256-ctr"]) {
      const error = await refused(plain(opensshKey(type, cipher)), "KEY_MALFORMED");
      assert.ok(error.message.includes(type), error.message);
      assert.match(error.hint ?? "", hint);
    }
  }
  const cut = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n";
  assert.match((await refused(plain(cut), "KEY_MALFORMED")).message, /OpenSSH/);
});

test("readPrivateKey() reads what ssh-keygen converted as the hint says", async () => {
  const folder = mkdtempSync(join(tmpdir(), "ssh-"));
  try {
    for (
      const [type, convertible] of [["ecdsa", true], ["rsa", true], ["ed25519", false]] as const
    ) {
      const path = join(folder, type);
      const made = spawnSync("ssh-keygen", ["-q", "-t", type, "-N", "", "-f", path]);
      // Not every machine has it; the test above needs none.
      if (made.status !== 0) return;
      const before = await refused(plain(readFileSync(path)), "KEY_MALFORMED");
      assert.equal(before.hint?.startsWith("convert a copy with"), convertible, type);
      if (!convertible) continue;
      spawnSync("ssh-keygen", ["-q", "-p", "-m", "PKCS8", "-P", "", "-N", "", "-f", path]);
      assert.equal((await plain(readFileSync(path))).type, "private");
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("readPrivateKey() says that a file is UTF-16", async () => {
  const little = Buffer.from(`\ufeff${P256}`, "utf16le");
  for (const bytes of [little, Buffer.from(little).swap16()]) {
    const error = await refused(plain(bytes), "KEY_MALFORMED");
    assert.match(error.message, /UTF-16/);
    assert.match(error.hint ?? "", /PowerShell/);
  }
});

test("readPrivateKey() refuses a PKCS#12 container, and says how to take the key out", async () => {
  const container = openssl(["pkcs12", "-export", "-nocerts", "-passout", "pass:x"], P256);
  const error = await refused(plain(container), "KEY_MALFORMED");
  assert.match(error.hint ?? "", /openssl pkcs12 -in FILE/);
});

test("readPrivateKey() refuses what is no private key", async () => {
  const publicPem = opensslPublicKey(P256);
  for (
    const bytes of [
      "",
      "text",
      publicPem,
      openssl(["pkey", "-pubin", "-outform", "DER"], publicPem),
      openssl(["req", "-x509", "-new", "-key", "/dev/stdin", "-subj", "/CN=x"], P256),
      "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n",
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
      "-----BEGIN PRIVATE KEY-----\n!!!!\n-----END PRIVATE KEY-----\n",
      P256.replace("END PRIVATE", "END EC PRIVATE"),
      P256.slice(0, -30),
      P256.slice(30),
      "-----BEGIN PRIVATE KEY-----\n".repeat(30_000),
      new Uint8Array(1000),
      new Uint8Array(100_000).fill(0x30),
      Buffer.from("3080", "hex"),
      Buffer.from("3084ffffffff", "hex"),
    ]
  ) await refused(plain(bytes), "KEY_MALFORMED");
});

for (const type of REFUSED_TYPES) {
  test(`readPrivateKey() refuses by name: ${type}`, async () => {
    const error = await refused(plain(opensslKey(type)), "KEY_UNSUPPORTED");
    const [name] = /[A-Za-z]*\d+[a-z]*\d*|DSA|RSA-PSS|named curve/.exec(type)!;
    assert.ok(error.message.includes(name), error.message);
  });
}

test("readPrivateKey() refuses other curves in the traditional form by name, also encrypted", async () => {
  for (const type of ["secp256k1", "secp224r1", "brainpoolP256r1"]) {
    const error = await refused(plain(openssl(["ec"], opensslKey(type))), "KEY_UNSUPPORTED");
    assert.ok(error.message.includes(type));
    await refused(encrypted(pkcs8(opensslKey(type), ["-v2", "aes256"])), "KEY_UNSUPPORTED");
  }
});

test("readPrivateKey() tells neither password nor key in errors", async () => {
  const damaged = pkcs8(P256, ["-v2", "aes256", "-outform", "DER"]);
  damaged[damaged.length - 1]! ^= 1;
  for (
    const key of [
      pkcs8(P256, ["-v2", "aes256"], "other"),
      damaged,
      pkcs8(P256, ["-v1", "PBE-SHA1-3DES"]),
    ]
  ) {
    const error = await encrypted(key).then(() => assert.fail(), (reason: unknown) => reason);
    assert.ok(error instanceof ModelSigningError);
    const shown = [error.message, error.stack, error.hint, inspect(error, { depth: 9 })].join();
    assert.ok(!shown.includes(PASSWORD));
  }
});

test("readPrivateKey() lets the failure to ask for a password through", async () => {
  const failure = new ModelSigningError("KEY_PASSWORD_MISSING", "nobody to ask");
  const key = pkcs8(P256, ["-v2", "aes256"]);
  await assert.rejects(readPrivateKey(key, "key.pem", () => Promise.reject(failure)), failure);
});

test("readPrivateKey() quotes the path so that it cannot harm a terminal", async () => {
  const error = await readPrivateKey(Buffer.from("x"), "\u001b[2J\u202e", () => assert.fail())
    .then(() => assert.fail(), (reason: unknown) => reason);
  assert.ok(error instanceof ModelSigningError);
  assert.doesNotMatch(error.message, /[\u001b\u202e]/);
});

/** Offsets of the last length byte of each element that encloses the offset `at`. */
function outerLengths(der: Uint8Array, at: number): readonly number[] {
  const lengths: number[] = [];
  let start = 0;
  while (start < at) {
    const first = der[start + 1]!;
    const long = first >= 0x80 ? first & 0x7f : 0;
    let length = first;
    if (long > 0) {
      length = der.slice(start + 2, start + 2 + long).reduce((n, byte) => n * 256 + byte, 0);
    }
    const body = start + 2 + long;
    const end = body + length;
    if (at < end) {
      lengths.push(body - 1);
      start = body;
    } else start = end;
  }
  return lengths;
}
