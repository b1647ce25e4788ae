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
import { givenToken } from "../../plugins/sigstore/oidc/mod.ts";
import { chooseServices } from "../../plugins/sigstore/services.ts";
import { serviceSigner, type ServiceSignerOptions } from "../../plugins/sigstore/signer.ts";
import { parseSigningConfig } from "../../plugins/sigstore/signing_config.ts";
import { builtinTrust, selectTrust, type Trust } from "../../plugins/sigstore/trust/mod.ts";
import { type Artifact, parseSigstoreBundle } from "../support/sigstore_any_bundle.ts";
import { type AnyPolicy, verifyAny } from "../support/sigstore_any_verify.ts";
import { signMessage } from "./sign_message.ts";

const OPTIONS = {
  "staging": { type: "boolean" },
  "in-toto": { type: "boolean" },
  "bundle": { type: "string" },
  "identity-token": { type: "string" },
  "trusted-root": { type: "string" },
  "signing-config": { type: "string" },
  "certificate-identity": { type: "string" },
  "certificate-oidc-issuer": { type: "string" },
  "key": { type: "string" },
} as const;

/** A flag that has a value. */
type TextFlag = Exclude<keyof typeof OPTIONS, "staging" | "in-toto">;

/** What the suite gave, by flag. */
type Flags = ReturnType<typeof parse>["values"];

try {
  const { values: flags, positionals: [command, file, ...more] } = parse();
  if (file === undefined || more.length > 0) throw misuse("expected one command and one FILE");
  if (command === "sign-bundle") await signBundle(file, flags);
  else if (command === "verify-bundle") await verifyBundle(file, flags);
  else throw misuse("expected sign-bundle or verify-bundle");
} catch (error) {
  if (!(error instanceof ModelSigningError)) throw error;
  console.error(`${error.code}: ${error.message}`);
  for (const { code, message } of error.issues) console.error(`  ${code}: ${message}`);
  process.exitCode = error.code === "USAGE" ? 2 : 1;
}

function parse() {
  try {
    return parseArgs({ allowPositionals: true, options: OPTIONS });
  } catch (error) {
    throw misuse((error as Error).message);
  }
}

async function signBundle(file: string, flags: Flags): Promise<void> {
  const target = need(flags, "bundle");
  const token = new Secret(need(flags, "identity-token"));
  const content = await readFile(file);
  const signing = { services: await services(flags), tokenSource: givenToken(token, "sigstore") };
  const bundle = flags["in-toto"]
    ? await signStatement(content, signing)
    : await signMessage(content, signing);
  // As in the product, nothing is written that would not verify.
  const artifact = flags["in-toto"] ? firstSubject(content) : { bytes: content };
  const anybody = { identity: /^[^]+$/u, issuer: /^[^]+$/u };
  await requireVerified(bundle, artifact, anybody, flags);
  await writeFileAtomically(target, bundle);
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

async function verifyBundle(artifact: string, flags: Flags): Promise<void> {
  const bundle = need(flags, "bundle");
  const expected = await policy(flags);
  await requireVerified(await readFile(bundle), await artifactOf(artifact), expected, flags);
}

async function requireVerified(
  bundle: Uint8Array,
  artifact: Artifact,
  policy: AnyPolicy,
  flags: Flags,
): Promise<void> {
  const entity = parseSigstoreBundle(bundle, artifact);
  if (!entity.ok) throw rejected([entity.issue]);
  const trust = await trusted(flags);
  const checks = await verifyAny(entity.value, { trust, policy });
  const issues = checks.flatMap((check) => check.status === "failed" ? [check.issue] : []);
  if (checks.some(({ status }) => status !== "passed")) throw rejected(issues);
}

function rejected(issues: ModelSigningError["issues"]): ModelSigningError {
  return new ModelSigningError("BUNDLE_REFUSED", "the bundle does not verify", { issues });
}

async function policy(flags: Flags): Promise<AnyPolicy> {
  const { key } = flags;
  if (key !== undefined) return { publicKey: readPublicKey(await readFile(key), key) };
  return {
    identity: need(flags, "certificate-identity"),
    issuer: need(flags, "certificate-oidc-issuer"),
  };
}

async function trusted(flags: Flags): Promise<Trust> {
  const trustRoot = flags["trusted-root"];
  return trustRoot === undefined ? builtIn(flags) : await selectTrust({ trustRoot });
}

async function services(flags: Flags): Promise<ServiceSignerOptions["services"]> {
  const path = flags["signing-config"];
  const json = path === undefined ? builtIn(flags).signingConfig! : parseJson(await readFile(path));
  return chooseServices(parseSigningConfig(json, path ?? "built in"), new Date());
}

function builtIn({ staging }: Flags): Trust {
  return builtinTrust(staging ? "staging" : "production");
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

function need(flags: Flags, name: TextFlag): string {
  const value = flags[name];
  if (value !== undefined) return value;
  throw misuse(`--${name} is missing`);
}

function misuse(message: string): ModelSigningError {
  return new ModelSigningError("USAGE", message);
}
