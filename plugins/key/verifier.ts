/** Verifying with public keys. */

import type { KeyObject } from "node:crypto";
import type { Bundle } from "../../core/bundle.ts";
import { failedCheck, passedCheck } from "../../core/check.ts";
import type { Issue } from "../../core/errors.ts";
import { ACCEPTED_KEYS, keyAlgorithm, keyHint } from "../../core/keys.ts";
import type { RunOptions } from "../../core/options.ts";
import { excerpt } from "../../core/text.ts";
import type { Check, SignatureVerification, Verifier } from "../../core/verifier.ts";
import { verifyEnvelope } from "../_envelope/mod.ts";
import type { TimestampVerifier } from "../_timestamp/mod.ts";

/** The policy of a key verifier. */
export type KeyVerifierOptions = {
  /** The keys that are trusted. The signature must be by one of them. */
  readonly publicKeys: readonly [KeyObject, ...KeyObject[]];
  /** Whose timestamps are believed. Without it the report has none. */
  readonly timestampVerifier?: TimestampVerifier;
};

/**
 * Accepts signatures by one of the given keys. Checks: `key` (the material is a public key's, and its hint
 * fits), `signature`, and `timestamps` when a verifier of them is given and has something to say. Keys of a kind that
 * the format does not sign with are as good as not given; with no others, the finding is `KEY_REFUSED`.
 */
export function keyVerifier({ publicKeys, timestampVerifier }: KeyVerifierOptions): Verifier {
  return {
    async verify(bundle, options) {
      const found = await verify(bundle, publicKeys, options);
      if (timestampVerifier === undefined) return found;
      const { check, timestamps } = await timestampVerifier(bundle, options);
      // A bundle without timestamps, of which none is demanded, says nothing of them.
      if (check.status === "skipped" && bundle.timestamps.length === 0) return found;
      const { identity, ...rest } = found;
      return {
        ...rest,
        checks: [...found.checks, check],
        timestamps,
        ...(identity && check.status !== "failed" ? { identity } : {}),
      };
    },
  };
}

async function verify(
  bundle: Bundle,
  publicKeys: readonly [KeyObject, ...KeyObject[]],
  options: RunOptions,
): Promise<SignatureVerification> {
  const { material, envelope } = bundle;
  if (material.kind !== "public-key") {
    const method = material.kind === "certificate-chain" ? "a certificate chain" : "a certificate";
    return rejected([
      failedCheck("key", {
        code: "BUNDLE_MATERIAL",
        message: `the signature was made with ${method}, expected a key`,
        hint: `verify it with the method ${
          // The Go tool writes a leaf without chain, too; with log entries it is Sigstore's (OMS 1).
          material.kind === "certificate" && bundle.tlogEntries.length > 0
            ? "sigstore"
            : "certificate"}`,
      }),
      { id: "signature", status: "skipped", detail: "no key to verify it with" },
    ]);
  }
  const accepted = publicKeys.filter((key) => "algorithm" in keyAlgorithm(key));
  const fitting = accepted.filter((key) => fitsHint(material.hint, key));
  for (const publicKey of fitting) {
    options.logger?.log("debug", "trying public key", { "key.hint": keyHint(publicKey) });
    const encoding = await verifyEnvelope(envelope, publicKey);
    if (encoding === undefined) continue;
    const algorithm = algorithmName(publicKey);
    return {
      checks: [
        passedCheck("key", describeHint(material.hint)),
        passedCheck("signature", `made with the ${algorithm} key`),
      ],
      identity: { kind: "key", method: "key", keyHint: keyHint(publicKey), algorithm },
      timestamps: [],
      encoding,
    };
  }
  if (fitting.length === 0) return rejected(await mismatch(bundle, accepted, material.hint));
  return rejected([
    passedCheck("key", describeHint(material.hint)),
    failedCheck("signature", {
      code: "SIGNATURE_INVALID",
      message: publicKeys.length === 1
        ? `the signature was not made with the ${algorithmName(fitting[0]!)} key over this content`
        : `the signature was not made with any of the ${publicKeys.length} keys over this content`,
    }),
  ]);
}

/** No key fits the hint: says whether the signature would hold, which tells a wrong hint from a wrong key. */
async function mismatch(
  { envelope }: Bundle,
  publicKeys: readonly KeyObject[],
  hint: string | undefined,
): Promise<readonly Check[]> {
  if (publicKeys.length === 0) {
    return [
      failedCheck("key", {
        code: "KEY_REFUSED",
        message: `no usable key was given, expected ${ACCEPTED_KEYS}`,
      }),
      { id: "signature", status: "skipped", detail: "no key to verify it with" },
    ];
  }
  const issue: Issue = {
    code: "KEY_HINT_MISMATCH",
    message: `the signature names the key ${excerpt(hint ?? "")}, given ${
      publicKeys.length === 1 ? "is" : "are"
    } ${publicKeys.map(keyHint).join(", ")}`,
    hint:
      "the hint is the SHA-256 of the public key's PEM text: ask the signer for the key that has it",
  };
  let holds = false;
  for (const key of publicKeys) holds ||= (await verifyEnvelope(envelope, key)) !== undefined;
  return [
    failedCheck("key", issue),
    holds
      ? passedCheck("signature", "made with a given key, in spite of the hint")
      : failedCheck("signature", {
        code: "SIGNATURE_INVALID",
        message: "the signature does not hold with the given key, whatever key it names",
      }),
  ];
}

/** Bundles before 1.1.0 have no hint; the key that they carry instead is never used. */
function fitsHint(hint: string | undefined, key: KeyObject): boolean {
  return hint === undefined || hint === keyHint(key);
}

function describeHint(hint: string | undefined): string {
  return hint === undefined
    ? "the signature names no key (the format before 1.1.0)"
    : `the signature names the key ${hint}`;
}

function algorithmName(key: KeyObject): string {
  const found = keyAlgorithm(key);
  return "algorithm" in found ? found.algorithm.name : found.refused;
}

function rejected(checks: readonly Check[]): SignatureVerification {
  return { checks, timestamps: [] };
}
