/** Signers with keys in SoftHSM, through a module that can make it behave like other tokens. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { signerContract } from "../../../core/contract/signer.ts";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { publicKeyFromDer, verifyBytes } from "../../../core/keys.ts";
import type { Interaction, RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import type { Signer } from "../../../core/signer.ts";
import {
  pkcs11CertificateSigner,
  pkcs11KeySigner,
  type TokenCertificateOptions,
} from "../../../plugins/pkcs11/mod.ts";
import { derOf, Pki } from "../../support/pki.ts";
import {
  hsmTest,
  PIN,
  type ShimSpec,
  type SoftHsm,
  TOKEN_KEY_TYPES,
} from "../../support/softhsm.ts";

const BYTES = Buffer.from("what is signed");

const FLAG = {
  loginRequired: 0x4,
  finalTry: 0x20000,
  locked: 0x40000,
  keypad: 0x100,
} as const;

/** The options of a signer behind a shim. */
function through(hsm: SoftHsm, path: string, shim: ShimSpec = {}): TokenCertificateOptions {
  return { uri: `pkcs11:${path}?module-path=${hsm.shim(shim)}`, pin: new Secret(PIN) };
}

/** Signs once, and checks the signature. */
async function signs(opened: Promise<Signer>): Promise<void> {
  await using signer = await opened;
  const { signature, publicKey } = await signer.sign(BYTES, {});
  assert.ok(verifyBytes(publicKeyFromDer(publicKey), BYTES, signature));
}

async function fault(run: Promise<unknown>): Promise<ModelSigningError> {
  const error = await run.then(() => assert.fail("accepted"), (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, String(error));
  return error;
}

async function refused(run: Promise<unknown>, code: ErrorCode): Promise<ModelSigningError> {
  const error = await fault(run);
  assert.equal(error.code, code, `${error.message} ${error.hint}`);
  return error;
}

/** Somebody who types this PIN, and what they were shown. */
function person(pin: string): { readonly run: RunOptions; readonly shown: string[] } {
  const shown: string[] = [];
  const nobody = () => assert.fail("asked for something else than a secret");
  const interaction: Interaction = {
    askSecret: (prompt) => {
      shown.push(prompt);
      return Promise.resolve(new Secret(pin));
    },
    ask: nobody,
    confirm: nobody,
    openBrowser: nobody,
    tell: (text) => void shown.push(text),
  };
  return { run: { interaction }, shown };
}

/** What the shim noted, one letter for each login, confirmation and signature. */
function noted(log: string): string {
  if (!existsSync(log)) return "";
  return readFileSync(log, "utf8").split("\n").map((line) => line.slice(0, 1)).join("");
}

for (const type of Object.keys(TOKEN_KEY_TYPES)) {
  hsmTest(`pkcs11KeySigner(), ${type}: does what a signer must do`, async (hsm) => {
    hsm.key("key", { type });
    const options = through(hsm, "object=key");
    for (const { name, run } of signerContract(() => pkcs11KeySigner(options))) {
      await run().catch((cause) => assert.fail(`${name}: ${cause}`));
    }
  });
}

hsmTest("pkcs11CertificateSigner(): does what a signer must do", async (hsm) => {
  using pki = new Pki();
  const leaf = pki.leaf(pki.root());
  hsm.importKey(leaf.key, "key", "01");
  const options = { ...through(hsm, "object=key"), certificate: readFileSync(leaf.certificate) };
  for (const { name, run } of signerContract(() => pkcs11CertificateSigner(options))) {
    await run().catch((cause) => assert.fail(`${name}: ${cause}`));
  }
});

hsmTest("pkcs11KeySigner() logs in once for any number of signatures", async (hsm) => {
  hsm.key("key");
  const LOG = join(hsm.directory, "log");
  {
    await using signer = await pkcs11KeySigner(through(hsm, "object=key", { LOG }));
    await Promise.all([signer.sign(BYTES, {}), signer.sign(BYTES, {})]);
  }
  assert.equal(noted(LOG), "lss");
});

hsmTest("pkcs11KeySigner() confirms each use of a key that wants it", async (hsm) => {
  hsm.key("key", { alwaysAuthenticate: true });
  const LOG = join(hsm.directory, "log");
  {
    await using signer = await pkcs11KeySigner(through(hsm, "object=key", { LOG }));
    await signer.sign(BYTES, {});
    await signer.sign(BYTES, {});
  }
  assert.equal(noted(LOG), "lcscs");
});

hsmTest("pkcs11KeySigner() signs with a token that has one session only", async (hsm) => {
  hsm.key("key");
  const options = through(hsm, "object=key", { OPEN_ANSWER_LATER: 0xb1 });
  await using signer = await pkcs11KeySigner(options);
  for (let round = 0; round < 2; round++) {
    const { signature, publicKey } = await signer.sign(BYTES, {});
    assert.ok(verifyBytes(publicKeyFromDer(publicKey), BYTES, signature));
  }
});

hsmTest("pkcs11KeySigner() asks for no PIN where none is needed", async (hsm) => {
  hsm.key("key");
  const LOG = join(hsm.directory, "log");
  const shim = { NO_LOGIN: 1, CLEAR_FLAGS: FLAG.loginRequired, LOG };
  const { uri } = through(hsm, "object=key", shim);
  await signs(pkcs11KeySigner({ uri }));
  assert.equal(noted(LOG), "s");
});

hsmTest("two signers of one process use a module side by side", async (hsm) => {
  hsm.key("a", { id: "01" });
  hsm.key("b", { id: "02" });
  const { uri, pin } = through(hsm, "") as { uri: string; pin: Secret };
  const at = (path: string) =>
    pkcs11KeySigner({ uri: uri.replace("pkcs11:", `pkcs11:${path}`), pin });
  const first = await at("object=a");
  await using second = await at("object=b");
  await first.sign(BYTES, {});
  await first[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  await second.sign(BYTES, {});
});

hsmTest("a wrong PIN is tried once, and a PIN that cannot be right not at all", async (hsm) => {
  hsm.key("key");
  const LOG = join(hsm.directory, "log");
  const options = through(hsm, "object=key", { LOG });
  await refused(pkcs11KeySigner({ ...options, pin: new Secret("1") }), "PKCS11_PIN");
  assert.equal(noted(LOG), "");
  const { message, hint } = await refused(
    pkcs11KeySigner({ ...options, pin: new Secret("99999999") }),
    "PKCS11_PIN",
  );
  assert.equal(noted(LOG), "l");
  assert.ok(!`${message}${hint}`.includes("99999999"));
  assert.ok(hsm.wrongPinWasTried());
  await signs(pkcs11KeySigner(options));
  assert.ok(!hsm.wrongPinWasTried());
});

hsmTest("the PIN is asked for when it is needed and was not given", async (hsm) => {
  hsm.key("key");
  const { uri } = through(hsm, "object=key");
  const right = person(PIN);
  await signs(pkcs11KeySigner({ uri }, right.run));
  assert.equal(right.shown.length, 1);
  const wrong = person("99999999");
  await refused(pkcs11KeySigner({ uri }, wrong.run), "PKCS11_PIN");
  assert.equal(wrong.shown.length, 1);
  const again = person(PIN);
  await signs(pkcs11KeySigner({ uri }, again.run));
  // Before the prompt: a wrong one was entered.
  assert.equal(again.shown.length, 2);
  await refused(pkcs11KeySigner({ uri }), "PKCS11_PIN");
});

hsmTest("the last attempt is left to somebody who types the PIN, and is warned", async (hsm) => {
  hsm.key("key");
  const LOG = join(hsm.directory, "log");
  const { uri, pin } = through(hsm, "object=key", { SET_FLAGS: FLAG.finalTry, LOG });
  await refused(pkcs11KeySigner({ uri, pin: pin! }), "PKCS11_PIN");
  assert.equal(noted(LOG), "");
  const { run, shown } = person(PIN);
  await signs(pkcs11KeySigner({ uri }, run));
  assert.equal(shown.length, 2);
});

hsmTest("a PIN that is locked is not asked for", async (hsm) => {
  hsm.key("key");
  const { uri } = through(hsm, "object=key", { SET_FLAGS: FLAG.locked });
  const { run, shown } = person(PIN);
  await refused(pkcs11KeySigner({ uri }, run), "PKCS11_PIN");
  assert.deepEqual(shown, []);
});

hsmTest("a token with a keypad asks for the PIN itself", async (hsm) => {
  hsm.key("key", { alwaysAuthenticate: true });
  const LOG = join(hsm.directory, "log");
  const { uri, pin } = through(hsm, "object=key", { SET_FLAGS: FLAG.keypad, KEYPAD: 1, LOG });
  const { run, shown } = person("never typed");
  await signs(pkcs11KeySigner({ uri, pin: pin! }, run));
  assert.equal(noted(LOG), "lcs");
  assert.equal(shown.length, 2);
});

const ANSWERS: readonly (readonly [what: string, shim: ShimSpec, code: ErrorCode])[] = [
  ["a PIN that was locked meanwhile", { LOGIN_ANSWER: 0xa4 }, "PKCS11_PIN"],
  ["a PIN that was never set", { LOGIN_ANSWER: 0x102 }, "PKCS11_PIN"],
  ["a PIN that has expired", { LOGIN_ANSWER: 0xa3 }, "PKCS11_PIN"],
  ["a token removed before the login", { LOGIN_ANSWER: 0xe0 }, "PKCS11_TOKEN"],
  ["a token removed while its keys are listed", { FIND_ANSWER: 0x32 }, "PKCS11_TOKEN"],
  ["a token removed while hashing", { OPEN_ANSWER_LATER: 0xe0 }, "PKCS11_TOKEN"],
  ["a token removed while signing", { SIGN_ANSWER: 0x32 }, "PKCS11_TOKEN"],
  ["a device that fails", { SIGN_ANSWER: 0x30 }, "PKCS11_FAILED"],
  ["an answer of the module's own", { SIGN_ANSWER: 0x80000001 }, "PKCS11_FAILED"],
  ["an answer that nobody knows", { SIGN_ANSWER: 0x7777 }, "PKCS11_FAILED"],
  ["a function that is missing", { NO_FUNCTION: 43 }, "PKCS11_MODULE"],
  ["that there are no functions", { NO_LIST: 1 }, "PKCS11_MODULE"],
];

hsmTest(
  "pkcs11KeySigner() tells what went wrong in a module, and can be used again",
  async (hsm) => {
    hsm.key("key");
    for (const [what, shim, code] of ANSWERS) {
      const failing = signs(pkcs11KeySigner(through(hsm, "object=key", shim)));
      assert.equal((await fault(failing)).code, code, what);
    }
    await signs(pkcs11KeySigner(through(hsm, "object=key")));
  },
);

hsmTest("a signature is no longer than its buffer, whatever the module says", async (hsm) => {
  hsm.key("key");
  for (const SIGN_LENGTH of [0, 63, 5000, -1]) {
    await using signer = await pkcs11KeySigner(through(hsm, "object=key", { SIGN_LENGTH }));
    const { signature, publicKey } = await signer.sign(BYTES, {});
    assert.ok(signature.length < 5000);
    assert.ok(!verifyBytes(publicKeyFromDer(publicKey), BYTES, signature));
  }
});

hsmTest("an attribute that grows while it is read counts as absent", async (hsm) => {
  hsm.key("key");
  const options = through(hsm, "object=key", { LATER_LENGTH: -1 });
  await refused(pkcs11KeySigner(options), "KEY_UNSUPPORTED");
});

hsmTest(
  "a token that is removed after a wrong PIN does not hide that the PIN was wrong",
  async (hsm) => {
    hsm.key("key");
    const options = through(hsm, "object=key", { NO_TOKEN_AFTER_LOGIN: 0x32 });
    await refused(pkcs11KeySigner({ ...options, pin: new Secret("99999999") }), "PKCS11_PIN");
  },
);

hsmTest("of key pairs with one id, the label tells which halves belong together", async (hsm) => {
  for (const label of ["a", "b"]) hsm.key(label, { id: "01" });
  for (const label of ["a", "b"]) await signs(pkcs11KeySigner(through(hsm, `object=${label}`)));
  await refused(pkcs11KeySigner(through(hsm, "id=%01")), "PKCS11_OBJECT");
});

hsmTest("a user already logged in is no fault", async (hsm) => {
  hsm.key("key", { id: "01" });
  await using _other = await pkcs11KeySigner(through(hsm, "object=key"));
  await signs(pkcs11KeySigner(through(hsm, "object=key")));
});

hsmTest("points without their OCTET STRING are read", async (hsm) => {
  for (const [index, type] of ["EC P-256", "EC P-384", "EC P-521", "Ed25519"].entries()) {
    hsm.key(type, { type, id: `0${index}` });
    const label = encodeURIComponent(type);
    await signs(pkcs11KeySigner(through(hsm, `object=${label}`, { BARE_POINTS: 1 })));
  }
});

hsmTest("a token that hashes by itself is given all of the bytes", async (hsm) => {
  hsm.key("rsa", { type: "RSA 2048" });
  await signs(pkcs11KeySigner(through(hsm, "object=rsa", { ONLY_MECHANISM: 0x40 })));
  hsm.key("ec", { id: "02" });
  // SoftHSM has CKM_ECDSA only.
  await refused(
    pkcs11KeySigner(through(hsm, "object=ec", { ONLY_MECHANISM: 0x40 })),
    "KEY_UNSUPPORTED",
  );
});

for (const type of ["EC:secp256k1", "rsa:1024"]) {
  hsmTest(`pkcs11KeySigner() refuses a key of the type ${type}`, async (hsm) => {
    hsm.key("key", { type });
    await refused(pkcs11KeySigner(through(hsm, "object=key")), "KEY_UNSUPPORTED");
  });
}

hsmTest("a key is found by label, by id, by both, and when it is the only one", async (hsm) => {
  hsm.key("first key", { id: "0aff" });
  await signs(pkcs11KeySigner(through(hsm, "")));
  hsm.key("second", { id: "02" });
  for (
    const path of ["object=first%20key", "id=%0a%ff", "token=hsm;object=second;id=%02;type=private"]
  ) {
    await signs(pkcs11KeySigner(through(hsm, path)));
  }
});

hsmTest("a key that is missing or ambiguous is answered with those there are", async (hsm) => {
  await refused(pkcs11KeySigner(through(hsm, "object=key")), "PKCS11_OBJECT");
  hsm.key("same\u202e", { id: "01" });
  hsm.key("same\u202e", { id: "02" });
  for (const path of ["", "object=same%E2%80%AE", "object=other", "id=%03", "object=", "id="]) {
    const { message } = await refused(pkcs11KeySigner(through(hsm, path)), "PKCS11_OBJECT");
    for (const shown of ["same\\u{202e}", "%01", "%02"]) {
      assert.ok(message.includes(shown), message);
    }
  }
  await signs(pkcs11KeySigner(through(hsm, "object=same%E2%80%AE;id=%02")));
});

hsmTest("a token is found by what it says of itself, and must be the only one", async (hsm) => {
  hsm.key("key");
  const [, serial = ""] = /serial num\s*:\s*(\w+)/.exec(hsm.slots()) ?? [];
  const fitting = [
    ...["token=hsm", `serial=${serial}`, "manufacturer=SoftHSM%20project", "model=SoftHSM%20v2"],
    ...["library-manufacturer=SoftHSM", `slot-id=${parseInt(serial.slice(-8), 16) & 0x7fffffff}`],
    "slot-manufacturer=SoftHSM%20project",
  ];
  for (const path of fitting) await signs(pkcs11KeySigner(through(hsm, path)));
  for (
    const path of ["token=HSM", "token=", "serial=0", "model=x", "slot-id=0", "manufacturer=x"]
  ) {
    await refused(pkcs11KeySigner(through(hsm, path)), "PKCS11_TOKEN");
  }
  await refused(pkcs11KeySigner(through(hsm, "slot-description=x")), "PKCS11_TOKEN");
  for (const path of ["library-manufacturer=x", "library-description=x", "library-version=255"]) {
    await refused(pkcs11KeySigner(through(hsm, path)), "PKCS11_MODULE");
  }
  hsm.token("other");
  const { message } = await refused(pkcs11KeySigner(through(hsm, "object=key")), "PKCS11_TOKEN");
  for (const shown of ["hsm", "other", serial]) assert.ok(message.includes(shown), message);
  await signs(pkcs11KeySigner(through(hsm, "token=hsm")));
});

hsmTest("a file that is no PKCS#11 module is refused", async (hsm) => {
  const text = join(hsm.directory, "text.so");
  writeFileSync(text, "no library");
  // A library, and without C_GetFunctionList.
  const library = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib/aarch64-linux-gnu/libm.so.6"].find(
    existsSync,
  );
  for (const path of [text, ...(library === undefined ? [] : [library])]) {
    const uri = `pkcs11:object=key?module-path=${path}`;
    await refused(pkcs11KeySigner({ uri }), "PKCS11_MODULE");
  }
});

hsmTest("the PIN comes from the URI, or from a file that it names", async (hsm) => {
  hsm.key("key");
  const { uri } = through(hsm, "object=key");
  const file = join(hsm.directory, "a pin");
  writeFileSync(file, `${PIN}\nsecond line\n`);
  const utf16 = join(hsm.directory, "utf16");
  writeFileSync(utf16, PIN, "utf16le");
  const latin1 = join(hsm.directory, "latin1");
  writeFileSync(latin1, `${PIN}\u00e9`, "latin1");
  const encoded = encodeURIComponent(file);
  const twice = encodeURIComponent(file.replace(" ", "%20"));
  for (
    const query of [
      `pin-value=${PIN}`,
      `pin-source=${encoded}`,
      `pin-source=file:${twice}`,
      `pin-source=file://${twice}`,
      `pin-source=file://localhost${twice}`,
    ]
  ) await signs(pkcs11KeySigner({ uri: `${uri}&${query}`, pin: new Secret("not used") }));
  for (
    const [query, code] of [
      [`pin-source=|${encoded}`, "USAGE_PKCS11_URI"],
      [`pin-source=https://example.com/pin`, "USAGE_PKCS11_URI"],
      [`pin-source=file://example.com${twice}`, "USAGE_PKCS11_URI"],
      ["pin-source=", "USAGE_PKCS11_URI"],
      ["pin-source=file:pin", "USAGE_PKCS11_URI"],
      [`pin-source=${hsm.directory}`, "FILE_UNREADABLE"],
      [`pin-source=${utf16}`, "PKCS11_PIN"],
      [`pin-source=${latin1}`, "PKCS11_PIN"],
      ["pin-source=/dev/zero", "FILE_UNREADABLE"],
      [`pin-source=${encoded}.none`, "FILE_UNREADABLE"],
      ["pin-value=", "PKCS11_PIN"],
    ] as const
  ) await refused(pkcs11KeySigner({ uri: `${uri}&${query}`, pin: new Secret(PIN) }), code);
  assert.ok(!hsm.wrongPinWasTried());
});

hsmTest("opening ends with ABORTED when the signal has fired", async (hsm) => {
  hsm.key("key");
  const LOG = join(hsm.directory, "log");
  const signal = AbortSignal.abort();
  await refused(pkcs11KeySigner(through(hsm, "object=key", { LOG }), { signal }), "ABORTED");
  const controller = new AbortController();
  const { run } = person(PIN);
  const interaction = {
    ...run.interaction!,
    askSecret: () => {
      controller.abort();
      return Promise.resolve(new Secret(PIN));
    },
  };
  const { uri } = through(hsm, "object=key", { LOG });
  await refused(pkcs11KeySigner({ uri }, { interaction, signal: controller.signal }), "ABORTED");
  assert.equal(noted(LOG), "");
});

hsmTest("without a public key object the public half comes from the certificate", async (hsm) => {
  using pki = new Pki();
  const root = pki.root();
  const leaf = pki.leaf(root);
  hsm.importKey(leaf.key, "key", "01");
  hsm.remove("pubkey", "key");
  await refused(pkcs11KeySigner(through(hsm, "object=key")), "PKCS11_OBJECT");
  const certificate = readFileSync(leaf.certificate);
  await signs(pkcs11CertificateSigner({ ...through(hsm, "object=key"), certificate }));
  hsm.importCertificate(leaf.certificate, "key", "01");
  await signs(pkcs11KeySigner(through(hsm, "object=key")));
  await signs(pkcs11CertificateSigner(through(hsm, "object=key")));
});

hsmTest("an RSA key tells its public half without a public key object", async (hsm) => {
  hsm.key("key", { type: "RSA 2048" });
  hsm.remove("pubkey", "key");
  await signs(pkcs11KeySigner(through(hsm, "object=key")));
});

hsmTest("the certificate comes from the token, by the key's id or label", async (hsm) => {
  using pki = new Pki();
  const root = pki.root();
  const [leaf, stranger] = [pki.leaf(root), pki.leaf(root)];
  hsm.importKey(leaf.key, "key", "01");
  const chain = [readFileSync(root.certificate)];
  const open = (path = "object=key") => pkcs11CertificateSigner({ ...through(hsm, path), chain });
  const { hint } = await refused(open(), "PKCS11_CERTIFICATE");
  assert.equal(hint, undefined);
  hsm.importCertificate(stranger.certificate, "other", "02");
  await refused(open(), "PKCS11_CERTIFICATE");
  hsm.importCertificate(leaf.certificate, "key", "03");
  {
    await using signer = await open();
    const { material } = await signer.sign(BYTES, {});
    assert.deepEqual(material.kind === "certificate-chain" && material.certificates.map(hex), [
      hex(derOf(leaf.certificate)),
      hex(derOf(root.certificate)),
    ]);
  }
  // Another one of the same key, as after a renewal.
  const renewed = pki.leaf(root, { key: { path: leaf.key } });
  hsm.importCertificate(renewed.certificate, "key", "04");
  await refused(open(), "PKCS11_CERTIFICATE");
  hsm.importCertificate(renewed.certificate, "by id", "01");
  await signs(open());
});

hsmTest("a certificate of another key, or one that may not sign, is refused", async (hsm) => {
  using pki = new Pki();
  const root = pki.root();
  hsm.key("key");
  const certificate = readFileSync(pki.leaf(root).certificate);
  await refused(
    pkcs11CertificateSigner({ ...through(hsm, "object=key"), certificate }),
    "KEY_CERTIFICATE_MISMATCH",
  );
  const expired = pki.leaf(root, { from: -10, to: -1 });
  hsm.importKey(expired.key, "old", "07");
  hsm.importCertificate(expired.certificate, "old", "07");
  await refused(
    pkcs11CertificateSigner({
      ...through(hsm, "object=old"),
      chain: [readFileSync(root.certificate)],
    }),
    "CERTIFICATE_UNSUITABLE",
  );
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}
