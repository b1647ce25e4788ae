/** From a manifest to a bundle. */

import type { KeyObject } from "node:crypto";
import { keyText, logChecks } from "./_trace.ts";
import {
  type Bundle,
  BUNDLE_MEDIA_TYPE,
  type Envelope,
  parseBundle,
  writeBundle,
} from "./bundle.ts";
import { pae, PAYLOAD_TYPE } from "./dsse.ts";
import { manifestProblem } from "./check_manifest.ts";
import { checkSigned } from "./check_signed.ts";
import { ModelSigningError, throwIfAborted } from "./errors.ts";
import { hash, type HashedModel, type HashInput } from "./hash.ts";
import { keyHint } from "./keys.ts";
import { type Manifest, rootDigest } from "./manifest.ts";
import { traced } from "./observer.ts";
import type { RunOptions } from "./options.ts";
import { parseStatement } from "./parse_statement.ts";
import type { OpenedSigner, Signed } from "./signer.ts";
import { writeStatement } from "./statement.ts";
import type { Verifier } from "./verifier.ts";
import { verifySignature } from "./verify.ts";

/** Who signs, and who confirms it. */
export type SignWith = Pick<OpenedSigner, "signer" | "verifier"> & Partial<OpenedSigner>;

/** A bundle as a value and as the bytes of a signature file. */
export type SignedManifest = { readonly bundle: Bundle; readonly bytes: Uint8Array };

/** Everything that signing a model gives. */
export type SignedModelBundle = SignedManifest & HashedModel & {
  /** Lowercase hex SHA-256. */
  readonly rootDigest: string;
};

/**
 * Signs a manifest. The signature is verified with the signer's own public key before it is used.
 *
 * @throws {ModelSigningError} `SIGNATURE_SELF_CHECK` when the signer's signature does not hold, when it names
 * another key than the one that signed, or when the manifest or the bundle would be refused by a verifier, the
 * given one too;
 * `BUNDLE_TOO_LARGE_TO_WRITE`, `ABORTED`, and whatever the signer and the witnesses throw
 */
export async function sign(
  manifest: Manifest,
  { signer, witnesses = [], verifier }: SignWith,
  options: RunOptions = {},
): Promise<SignedManifest> {
  const problem = manifestProblem(manifest);
  if (problem) throw selfCheck(`the manifest would be refused: ${problem.message}`);
  const payload = writeStatement(manifest);
  // What the rest is made of was looked at above; these members may be of any shape and size.
  if (manifest.resources.some(({ extra }) => extra !== undefined)) {
    const statement = parseStatement(payload);
    if (!statement.ok) {
      throw selfCheck(`the statement would be refused: ${statement.issue.message}`);
    }
  }
  const signed = await traced(options, "sign.signature", async (inner) => {
    const encoded = pae(PAYLOAD_TYPE, payload);
    inner.span.set({ "pae.bytes": encoded.length });
    const signed = await signer.sign(encoded, inner);
    throwIfAborted(options.signal);
    const key = requireSigned(signed, encoded);
    inner.span.set({
      "signature.bytes": signed.signature.length,
      "key.algorithm": keyText(key),
      material: signed.material.kind,
    }, { "key.hint": keyHint(key) });
    return signed;
  });

  const envelope: Envelope = { payloadType: PAYLOAD_TYPE, payload, signature: signed.signature };
  const evidence = await Promise.all(
    witnesses.map((witness) =>
      traced(options, "sign.witness", async (inner) => {
        const evidence = await witness.witness(envelope, signed, inner);
        const { tlogEntries = [], timestamps = [] } = evidence;
        inner.span.set({ "log.entries": tlogEntries.length, timestamps: timestamps.length });
        return evidence;
      })
    ),
  );
  const content = {
    material: signed.material,
    tlogEntries: evidence.flatMap(({ tlogEntries = [] }) => tlogEntries),
    timestamps: evidence.flatMap(({ timestamps = [] }) => timestamps),
    envelope,
  };
  const bytes = writeBundle(content);
  const readBack = parseBundle(bytes);
  if (!readBack.ok) throw selfCheck(`the bundle would be refused: ${readBack.issue.message}`);
  const bundle: Bundle = { mediaType: BUNDLE_MEDIA_TYPE, ...content };
  if (verifier) await requireVerified(readBack.value, verifier, options);
  return { bundle, bytes };
}

/** What was read back is verified, as whoever receives the file will do. */
async function requireVerified(
  bundle: Bundle,
  verifier: Verifier,
  options: RunOptions,
): Promise<void> {
  const { ok, checks } = await verifySignature(bundle, verifier, options);
  throwIfAborted(options.signal);
  logChecks(checks, options);
  if (ok) return;
  const issues = checks.flatMap((check) => check.status === "failed" ? [check.issue] : []);
  throw new ModelSigningError(
    "SIGNATURE_SELF_CHECK",
    "the finished signature does not verify; nothing was written",
    { issues },
  );
}

/**
 * Hashes a model and signs its manifest. Nothing is written: `bytes` is what belongs into the signature file.
 *
 * @throws {ModelSigningError} `MODEL_REFUSED`, `MODEL_EMPTY`, `SIGNATURE_SELF_CHECK`, `BUNDLE_TOO_LARGE_TO_WRITE`,
 * `ABORTED`, and what source, hasher, signer and witnesses throw
 */
export async function signModel(
  input: HashInput & SignWith,
  options: RunOptions = {},
): Promise<SignedModelBundle> {
  return await traced(options, "sign", async (inner) => {
    const hashed = await hash(input, inner);
    const signed = await sign(hashed.manifest, input, inner);
    const { resources } = hashed.manifest;
    const root = rootDigest(resources);
    inner.span.set(
      { resources: resources.length, "bundle.bytes": signed.bytes.length },
      { "root.digest": root },
    );
    return { ...signed, ...hashed, rootDigest: root };
  });
}

/** Gives the key that signed. */
function requireSigned(signed: Signed, encoded: Uint8Array): KeyObject {
  const found = checkSigned(signed, encoded);
  if ("key" in found) return found.key;
  throw selfCheck(`the signer ${found.problem.what}`, found.problem.cause);
}

function selfCheck(message: string, cause?: unknown): ModelSigningError {
  return new ModelSigningError("SIGNATURE_SELF_CHECK", `${message}; nothing was written`, {
    cause,
  });
}
