import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { type Bundle, parseBundle } from "../../../core/bundle.ts";
import { signerContract } from "../../../core/contract/signer.ts";
import type { Resource } from "../../../core/hasher.ts";
import type { RunOptions } from "../../../core/options.ts";
import { sign } from "../../../core/sign.ts";
import type { Witness } from "../../../core/signer.ts";
import type { ChosenServices } from "../../../plugins/sigstore/services.ts";
import {
  serviceSigner,
  type ServiceSignerOptions,
  signOnce,
} from "../../../plugins/sigstore/signer.ts";
import { parseTrustedRoot } from "../../../plugins/sigstore/trusted_root.ts";
import { sigstoreVerifier } from "../../../plugins/sigstore/verifier.ts";
import { resourcesOf } from "../../support/bundles.ts";
import { type Sigstore, startSigstore } from "../../support/sigstore.ts";
import { faultOf, identityToken, servicesOf } from "./_signing.ts";

const EMAIL = "dev@example.com";
const MANIFEST = {
  name: "model",
  resources: resourcesOf(["a", "b"]) as unknown as Resource[],
  serialization: {
    method: "files",
    hashType: "sha256",
    allowSymlinks: false,
    ignorePaths: [],
  },
} as const;

function tokens(
  sigstore: Sigstore,
  change: { readonly expires?: Date } = {},
): ServiceSignerOptions["tokenSource"] {
  return {
    token: async () => ({ ...await identityToken(sigstore, { email: EMAIL }), ...change }),
  };
}

/** Both logs, as a signing config demands with ALL and two operators. */
function bothLogs(sigstore: Sigstore): ChosenServices {
  const services = servicesOf(sigstore, 1);
  return { ...services, logs: [...services.logs, ...servicesOf(sigstore, 2).logs] };
}

async function signedBundle(
  sigstore: Sigstore,
  services: ChosenServices,
  options: RunOptions = {},
): Promise<Bundle> {
  const root = parseTrustedRoot(readFileSync(sigstore.trustedRoot), sigstore.trustedRoot);
  const verifier = sigstoreVerifier({
    identity: EMAIL,
    issuer: sigstore.issuer,
    trust: { root, origin: { kind: "file", name: sigstore.trustedRoot, notes: [] } },
  });
  const opened = serviceSigner({ services, tokenSource: tokens(sigstore) });
  const { bytes } = await sign(MANIFEST, { ...opened, verifier }, options);
  const bundle = parseBundle(bytes);
  assert.ok(bundle.ok);
  return bundle.value;
}

async function paths(sigstore: Sigstore): Promise<readonly string[]> {
  return (await sigstore.requests()).map(({ service, path }) => `${service} ${path}`);
}

for (
  const { name, run } of signerContract(async () => {
    const sigstore = await startSigstore();
    const { signer } = serviceSigner({
      services: servicesOf(sigstore, 1),
      tokenSource: tokens(sigstore),
    });
    return {
      sign: (pae, options) => signer.sign(pae, options),
      [Symbol.asyncDispose]: async () => {
        await signer[Symbol.asyncDispose]();
        await sigstore.stop();
      },
    };
  }, { keyPerSignature: true })
) {
  test(`Sigstore signer: ${name}`, run);
}

test("serviceSigner() signs with either log so that the bundle verifies", async () => {
  await using sigstore = await startSigstore();
  for (const version of [1, 2] as const) {
    const bundle = await signedBundle(sigstore, servicesOf(sigstore, version));
    assert.equal(bundle.material.kind, "certificate");
    assert.equal(bundle.tlogEntries.length, 1);
    assert.equal(bundle.timestamps.length, 1);
  }
});

test("serviceSigner() has every chosen log and timestamp authority confirm", async () => {
  await using sigstore = await startSigstore();
  const { logs: [first], timestampAuthorities, ...others } = bothLogs(sigstore);
  const bundle = await signedBundle(sigstore, {
    ...others,
    logs: bothLogs(sigstore).logs,
    timestampAuthorities: [...timestampAuthorities, ...timestampAuthorities],
  });
  assert.equal(bundle.tlogEntries.length, 2);
  assert.equal(bundle.timestamps.length, 2);
  // Rekor v1 tells the time itself.
  const alone = await signedBundle(sigstore, {
    ...others,
    logs: [first!],
    timestampAuthorities: [],
  });
  assert.deepEqual(alone.timestamps, []);
});

test("serviceSigner() asks for the certificate before it signs, and the witnesses after", async () => {
  await using sigstore = await startSigstore();
  await signedBundle(sigstore, servicesOf(sigstore, 2));
  const [first, ...rest] = await paths(sigstore);
  assert.equal(first, "fulcio /api/v2/signingCert");
  assert.deepEqual(rest.map((path) => path.split(" ")[0]).sort(), ["rekor2", "tsa"]);
});

test("serviceSigner() logs nothing when there is no certificate", async () => {
  await using sigstore = await startSigstore();
  await sigstore.fault({ service: "fulcio", kind: "status", status: 403 });
  const error = await faultOf(signedBundle(sigstore, servicesOf(sigstore, 1)));
  assert.equal(error.code, "NETWORK_STATUS");
  assert.deepEqual(await paths(sigstore), ["fulcio /api/v2/signingCert"]);
});

test("serviceSigner() gives nothing when one witness fails", async () => {
  await using sigstore = await startSigstore();
  for (const service of ["rekor", "rekor2", "tsa"] as const) {
    await sigstore.reset();
    await sigstore.fault({ service, kind: "status", status: 400 });
    const error = await faultOf(signedBundle(sigstore, bothLogs(sigstore)));
    assert.equal(error.code, "NETWORK_STATUS", service);
  }
});

test("serviceSigner() does not hand out what services lie in", async () => {
  await using sigstore = await startSigstore();
  const lies = {
    fulcio: ["no-sct", "bad-sct", "other-authority"],
    rekor: ["wrong-index", "wrong-time", "bad-set", "bad-proof", "bad-checkpoint", "other-log"],
    rekor2: ["wrong-index", "bad-proof", "bad-checkpoint", "other-log"],
  } as const;
  for (const [service, kinds] of Object.entries(lies)) {
    for (const kind of kinds) {
      await sigstore.reset();
      await sigstore.fault({ service: service as keyof typeof lies, kind });
      const services = servicesOf(sigstore, service === "rekor2" ? 2 : 1);
      const error = await faultOf(signedBundle(sigstore, services));
      assert.equal(error.code, "SIGNATURE_SELF_CHECK", `${service} ${kind}`);
    }
  }
});

test("signOnce() refuses a token that has expired since it was checked, and sends it nowhere", async () => {
  await using sigstore = await startSigstore();
  const tokenSource = tokens(sigstore, { expires: new Date(Date.now() - 1) });
  const run = signOnce(Buffer.of(1), { services: servicesOf(sigstore, 1), tokenSource }, {});
  assert.equal((await faultOf(run)).code, "TOKEN_EXPIRED");
  assert.deepEqual(await paths(sigstore), []);
});

test("signOnce() asks for a token only once it signs", async () => {
  await using sigstore = await startSigstore();
  let asked = 0;
  const own = tokens(sigstore);
  const tokenSource: ServiceSignerOptions["tokenSource"] = {
    ...own,
    token: (options) => {
      asked++;
      return own.token(options);
    },
  };
  const { signer } = serviceSigner({ services: servicesOf(sigstore, 1), tokenSource });
  assert.equal(asked, 0);
  await signer.sign(Buffer.of(1), {});
  assert.equal(asked, 1);
  await faultOf(signer.sign(Buffer.of(1), { signal: AbortSignal.abort() }));
  assert.equal(asked, 1);
});

test("a log's witness refuses a signer that gives no certificate", async () => {
  await using sigstore = await startSigstore();
  const [log] = serviceSigner({
    services: servicesOf(sigstore, 1),
    tokenSource: tokens(sigstore),
  }).witnesses as [Witness, Witness];
  const empty = new Uint8Array();
  const error = await faultOf(log.witness(
    { payloadType: "application/vnd.in-toto+json", payload: empty, signature: empty },
    { signature: empty, publicKey: empty, material: { kind: "public-key" } },
    {},
  ));
  assert.equal(error.code, "USAGE");
});
