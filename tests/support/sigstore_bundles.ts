/** Bundles that are signed through the loopback Sigstore, without the checks that the product makes afterwards. */

import { readFile } from "node:fs/promises";
import { type Bundle, parseBundle } from "../../core/bundle.ts";
import { parseJson } from "../../core/json.ts";
import { Secret } from "../../core/secret.ts";
import { sign } from "../../core/sign.ts";
import type { SignatureVerification } from "../../core/verifier.ts";
import { givenToken } from "../../plugins/sigstore/oidc/mod.ts";
import type { SignerPolicy } from "../../plugins/sigstore/policy.ts";
import { chooseServices } from "../../plugins/sigstore/services.ts";
import { serviceSigner } from "../../plugins/sigstore/signer.ts";
import { parseSigningConfig } from "../../plugins/sigstore/signing_config.ts";
import type { Trust } from "../../plugins/sigstore/trust/mod.ts";
import { trustedRootOf } from "../../plugins/sigstore/trusted_root.ts";
import { sigstoreVerifier } from "../../plugins/sigstore/verifier.ts";
import type { Loose } from "./bundles.ts";
import { sha256 } from "./bundles.ts";
import type { Sigstore, TokenClaims } from "./sigstore.ts";

/** How a bundle is to be signed. */
export type SigstoreBundleSpec = {
  /** Rekor's version. Default 1. */
  readonly rekor?: 1 | 2;
  readonly claims?: TokenClaims;
  /** File names, each of which makes another payload. */
  readonly names?: readonly string[];
  /** Changes the signing config. */
  readonly services?: (config: Loose) => void;
};

/** Who {@link Sigstore} logs in when nothing else is said. */
export function policyOf(sigstore: Sigstore): SignerPolicy {
  return { identity: "dev@example.com", issuer: sigstore.issuer };
}

/** Signs a statement, and gives the bundle as JSON. */
export async function sigstoreBundle(
  sigstore: Sigstore,
  { rekor = 1, claims = {}, names = ["a.bin", "b.bin"], services }: SigstoreBundleSpec = {},
): Promise<Loose> {
  const path = rekor === 1 ? sigstore.signingConfig : sigstore.signingConfigV2;
  const config = JSON.parse(await readFile(path, "utf8"));
  services?.(config);
  const signing = serviceSigner({
    services: chooseServices(
      parseSigningConfig(parseJson(new TextEncoder().encode(JSON.stringify(config))), path),
      new Date(),
    ),
    tokenSource: givenToken(new Secret(await sigstore.token(claims)), "sigstore"),
  });
  const { bytes } = await sign({
    name: "model",
    resources: names.map((name) => ({ name, digest: sha256(name), algorithm: "sha256" })),
    serialization: { method: "files", hashType: "sha256", allowSymlinks: false, ignorePaths: [] },
  }, signing);
  return JSON.parse(new TextDecoder().decode(bytes));
}

/** The trust that the instance is known by, after a change of its TrustedRoot message. */
export async function trustIn(
  sigstore: Sigstore,
  change: (root: Loose) => void = () => {},
): Promise<Trust> {
  const root = JSON.parse(await readFile(sigstore.trustedRoot, "utf8"));
  change(root);
  return trustOf(root);
}

/** Trust in a TrustedRoot message. */
export function trustOf(message: Loose): Trust {
  return {
    root: trustedRootOf(message),
    origin: { kind: "file", name: "trusted_root.json", notes: [] },
  };
}

/** A bundle's JSON as core reads it; undefined when it does not. */
export function bundleOf(json: Loose): Bundle | undefined {
  const parsed = parseBundle(new TextEncoder().encode(JSON.stringify(json)));
  return parsed.ok ? parsed.value : undefined;
}

/** Verifies a bundle's JSON. */
export async function verifyJson(
  json: Loose,
  trust: Trust,
  policy: SignerPolicy,
  now?: Date,
): Promise<SignatureVerification> {
  const bundle = bundleOf(json);
  if (!bundle) throw new Error("the bundle cannot be parsed");
  return await sigstoreVerifier({ trust, ...policy, ...(now ? { now } : {}) }).verify(bundle, {});
}

/** Codes of all that is wrong when a bundle is verified; empty for one that is accepted. */
export async function codesFor(
  json: Loose,
  trust: Trust,
  policy: SignerPolicy,
): Promise<readonly string[]> {
  const found = await verifyJson(json, trust, policy);
  const codes = Object.values(failures(found));
  // Whoever takes one for the other accepts too much.
  if ((codes.length === 0) !== (found.identity !== undefined)) {
    throw new Error(`identity ${JSON.stringify(found.identity)} beside findings ${codes}`);
  }
  return codes;
}

/** Id and code of every check that failed. */
export function failures(
  { checks }: Pick<SignatureVerification, "checks">,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    checks.flatMap((check) => check.status === "failed" ? [[check.id, check.issue.code]] : []),
  );
}
