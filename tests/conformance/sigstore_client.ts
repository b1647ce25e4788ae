/** What tests/conformance/sigstore runs: the suite's flags, translated into calls of the library. */

import { Buffer } from "node:buffer";
import { readFile } from "node:fs/promises";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Envelope, writeBundle } from "../../core/bundle.ts";
import { pae, PAYLOAD_TYPE } from "../../core/dsse.ts";
import { ModelSigningError } from "../../core/errors.ts";
import { writeFileAtomically } from "../../core/files.ts";
import { parseJson } from "../../core/json.ts";
import { Secret } from "../../core/secret.ts";
import { readPublicKey } from "../../plugins/_keyfile/mod.ts";
import { type Artifact, parseSigstoreBundle } from "../../plugins/sigstore/bundle.ts";
import { signMessage } from "../../plugins/sigstore/message.ts";
import { givenToken } from "../../plugins/sigstore/oidc/mod.ts";
import { chooseServices } from "../../plugins/sigstore/services.ts";
import { serviceSigner, type ServiceSignerOptions } from "../../plugins/sigstore/signer.ts";
import { parseSigningConfig } from "../../plugins/sigstore/signing_config.ts";
import { builtinTrust, selectTrust, type Trust } from "../../plugins/sigstore/trust/mod.ts";
import { type EntityPolicy, verifyEntity } from "../../plugins/sigstore/verify.ts";

const { values, positionals: [command, file] } = parseArgs({
  allowPositionals: true,
  options: {
    "staging": { type: "boolean" },
    "in-toto": { type: "boolean" },
    "bundle": { type: "string" },
    "identity-token": { type: "string" },
    "trusted-root": { type: "string" },
    "signing-config": { type: "string" },
    "certificate-identity": { type: "string" },
    "certificate-oidc-issuer": { type: "string" },
    "key": { type: "string" },
  },
});

try {
  if (command === "sign-bundle") await signBundle(need(file, "FILE"));
  else if (command === "verify-bundle") await verifyBundle(need(file, "FILE_OR_DIGEST"));
  else throw new ModelSigningError("USAGE", "expected sign-bundle or verify-bundle");
} catch (error) {
  if (!(error instanceof ModelSigningError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const { code, message } of error.issues) console.error(`  ${code}: ${message}`);
  process.exitCode = error.code === "USAGE" ? 2 : 1;
}

async function signBundle(path: string): Promise<void> {
  const token = new Secret(need(values["identity-token"], "--identity-token"));
  const content = await readFile(path);
  const signing = { services: await services(), tokenSource: givenToken(token, "sigstore") };
  const bundle = values["in-toto"]
    ? await signStatement(content, signing)
    : await signMessage(content, signing, {});
  // As in the product, nothing is written that would not verify.
  const artifact = values["in-toto"] ? firstSubject(content) : { bytes: content };
  await requireVerified(bundle, artifact, { identity: /^[^]+$/u, issuer: /^[^]+$/u });
  await writeFileAtomically(need(values.bundle, "--bundle"), bundle);
}

async function signStatement(
  payload: Uint8Array,
  signing: ServiceSignerOptions,
): Promise<Uint8Array> {
  const { signer, witnesses } = serviceSigner(signing);
  const signed = await signer.sign(pae(PAYLOAD_TYPE, payload), {});
  const envelope: Envelope = { payloadType: PAYLOAD_TYPE, payload, signature: signed.signature };
  const evidence = await Promise.all(
    witnesses.map((witness) => witness.witness(envelope, signed, {})),
  );
  return writeBundle({
    material: signed.material,
    envelope,
    tlogEntries: evidence.flatMap(({ tlogEntries = [] }) => tlogEntries),
    timestamps: evidence.flatMap(({ timestamps = [] }) => timestamps),
  });
}

async function verifyBundle(artifact: string): Promise<void> {
  await requireVerified(
    await readFile(need(values.bundle, "--bundle")),
    await artifactOf(artifact),
    await policy(),
  );
}

async function requireVerified(
  bundle: Uint8Array,
  artifact: Artifact,
  policy: EntityPolicy,
): Promise<void> {
  const entity = parseSigstoreBundle(bundle, artifact);
  if (!entity.ok) throw rejected([entity.issue]);
  const { checks, identity } = await verifyEntity(entity.value, { trust: await trust(), policy });
  const issues = checks.flatMap((check) => check.status === "failed" ? [check.issue] : []);
  if (issues.length > 0 || identity === undefined) throw rejected(issues);
}

function rejected(issues: ModelSigningError["issues"]): ModelSigningError {
  return new ModelSigningError("BUNDLE_REFUSED", "the bundle does not verify", { issues });
}

async function policy(): Promise<EntityPolicy> {
  if (values.key !== undefined) {
    return { publicKey: readPublicKey(await readFile(values.key), values.key) };
  }
  return {
    identity: need(values["certificate-identity"], "--certificate-identity"),
    issuer: need(values["certificate-oidc-issuer"], "--certificate-oidc-issuer"),
  };
}

async function trust(): Promise<Trust> {
  const trustRoot = values["trusted-root"];
  if (trustRoot === undefined) return builtinTrust(values.staging ? "staging" : "production");
  return await selectTrust({ useStaging: false, trustRoot }, {});
}

async function services(): Promise<ServiceSignerOptions["services"]> {
  const path = values["signing-config"];
  const { signingConfig } = builtinTrust(values.staging ? "staging" : "production");
  const json = path === undefined ? signingConfig! : parseJson(await readFile(path));
  return chooseServices(parseSigningConfig(json, path ?? "built in"), new Date());
}

async function artifactOf(text: string): Promise<Artifact> {
  const [, hex] = /^sha256:([0-9a-f]{64})$/.exec(text) ?? [];
  return hex === undefined ? { bytes: await readFile(text) } : { sha256: Buffer.from(hex, "hex") };
}

/** What the statement is about, which is what it will be verified for. */
function firstSubject(statement: Uint8Array): Artifact {
  const { subject } = JSON.parse(Buffer.from(statement).toString("utf8"));
  return { sha256: Buffer.from(subject[0].digest.sha256, "hex") };
}

function need(value: string | undefined, name: string): string {
  if (value !== undefined) return value;
  throw new ModelSigningError("USAGE", `${name} is missing`);
}
