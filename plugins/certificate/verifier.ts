/** Verification against trust anchors. */

import type { Bundle } from "../../core/bundle.ts";
import { failedCheck, passedCheck, skippedCheck } from "../../core/check.ts";
import { type Issue, ModelSigningError, throwIfAborted } from "../../core/errors.ts";
import type { Logger } from "../../core/logger.ts";
import type { RunOptions } from "../../core/options.ts";
import { quote } from "../../core/text.ts";
import type {
  Check,
  Identity,
  SignatureVerification,
  Timestamp,
  Verifier,
} from "../../core/verifier.ts";
import { leafKey, usageIssue } from "../_certificate/mod.ts";
import { verifyEnvelope } from "../_envelope/mod.ts";
import { type FileContent, named } from "../_input/mod.ts";
import { type TimestampVerifier, timestampVerifier } from "../_timestamp/mod.ts";
import {
  type Certificate,
  certificateInfo,
  certificateName,
  checkRevocation,
  type Crl,
  findPath,
  isoTime,
  nameText,
  type PathMaterial,
  type PathResult,
  PURPOSE,
  readCertificates,
  readCrls,
  splitTrust,
  validityIssue,
} from "../_x509/mod.ts";
import { identityIssue } from "./identity.ts";
import { type ClaimedChain, claimedChain } from "./material.ts";

/** The policy of {@link certificateVerifier}. */
export type CertificateVerifierOptions = {
  /**
   * Certificates in PEM (any number in a file) or DER. The self-signed ones are trust anchors, the others
   * help to build the path.
   */
  readonly trustAnchors: readonly FileContent[];
  /** Revocation lists in PEM or DER. Without any, revocation is not checked, and the report says so. */
  readonly crls?: readonly FileContent[];
  /** Exactly one of the leaf's subject alternative names; its common name if it has no such extension. */
  readonly identity?: string;
  /** Logs the SHA-256 fingerprint of every certificate at info level instead of debug. */
  readonly logFingerprints?: boolean;
  /** The time to judge by when no verified timestamp tells. Default: the moment of each verification. */
  readonly now?: Date;
  /** Whose timestamps are believed. Without it none is, and certificates must be valid now. */
  readonly timestampVerifier?: TimestampVerifier;
};

/**
 * Makes a verifier that accepts signatures by certificates which chain to one of the trust anchors.
 *
 * Checks, in this order: `signature`, `certificate-chain`, `certificate-usage`, `certificate-validity`,
 * `certificate-identity` (when one is demanded), `revocation`, `timestamps`. Every check that can run runs,
 * also after a failed one.
 *
 * @throws {ModelSigningError} `CERTIFICATE_FILE_MALFORMED`, `CRL_MALFORMED`, `KEY_UNSUPPORTED`, `TRUST_ANCHOR_MISSING`,
 * `USAGE`
 */
export async function certificateVerifier(options: CertificateVerifierOptions): Promise<Verifier> {
  if (options.trustAnchors.length === 0) {
    throw new ModelSigningError("USAGE", NO_TRUST);
  }
  if (options.identity === "") {
    throw new ModelSigningError("USAGE", "the certificate identity is empty");
  }
  const given = options.trustAnchors.flatMap((content, index) => {
    const { bytes, name } = named(content, "trust anchor", index);
    return readCertificates(bytes, name);
  });
  const crls = (options.crls ?? []).flatMap((content, index) => {
    const { bytes, name } = named(content, "revocation list", index);
    return readCrls(bytes, name);
  });
  const timestamps = options.timestampVerifier ?? await timestampVerifier({});
  return new CertificateVerifier(await splitTrust(given), crls, timestamps, options);
}

/** Why trust has no default here. */
const NO_TRUST = "verifying a certificate needs a trust anchor: there is no default, because no " +
  "public web CA may vouch for a model";

/** Checks that need a certificate of the bundle, in order; `certificate-identity` only when asked for. */
const LEAF_CHECKS = [
  "certificate-chain",
  "certificate-usage",
  "certificate-validity",
  "certificate-identity",
  "revocation",
  "timestamps",
] as const;

class CertificateVerifier implements Verifier {
  readonly #trust: PathMaterial;
  readonly #crls: readonly Crl[];
  readonly #verifyTimestamps: TimestampVerifier;
  readonly #options: CertificateVerifierOptions;

  constructor(
    trust: PathMaterial,
    crls: readonly Crl[],
    timestamps: TimestampVerifier,
    options: CertificateVerifierOptions,
  ) {
    this.#trust = trust;
    this.#crls = crls;
    this.#verifyTimestamps = timestamps;
    this.#options = options;
  }

  async verify(bundle: Bundle, options: RunOptions): Promise<SignatureVerification> {
    throwIfAborted(options.signal);
    const claimed = claimedChain(bundle);
    if ("issue" in claimed) return this.#withoutLeaf(claimed.issue);
    const { leaf } = claimed;
    this.#logCertificates(claimed, options.logger);

    const now = this.#options.now ?? new Date();
    const { timestamps, at, check: timestampCheck } = await this.#timestamps(bundle, options, now);
    const { encoding, check: signature } = await signatureCheck(bundle, leaf);
    throwIfAborted(options.signal);
    const found = await this.#findPath(claimed, at);
    throwIfAborted(options.signal);
    const checks = [
      signature,
      chainCheck(found),
      usageCheck(leaf),
      validityCheck(leaf, found, at, timestamps.length > 0),
      ...this.#identityCheck(leaf),
      await this.#revocationCheck(found, now),
      timestampCheck,
    ];
    const passed = checks.every(({ status }) => status !== "failed");
    const anchor = found.path?.at(-1);
    return {
      checks,
      timestamps,
      ...(encoding === undefined ? {} : { encoding }),
      ...(passed && anchor ? { identity: identityOf(leaf, anchor) } : {}),
    };
  }

  #withoutLeaf(issue: Issue): SignatureVerification {
    const moot = LEAF_CHECKS.filter((id) =>
      id !== "certificate-identity" || this.#options.identity !== undefined
    ).map((id) => skippedCheck(id, "there is no certificate to check"));
    return { checks: [failedCheck("signature", issue), ...moot], timestamps: [] };
  }

  async #findPath(claimed: ClaimedChain, at: Date): Promise<PathResult> {
    if (claimed.malformed) return { issue: claimed.malformed };
    const { anchors, intermediates } = this.#trust;
    return await findPath(
      claimed.leaf,
      // Of those that fit equally well, what the user gave is tried before what the bundle brings.
      { anchors, intermediates: [...intermediates, ...claimed.others] },
      { at, purpose: PURPOSE.codeSigning },
    );
  }

  #identityCheck(leaf: Certificate): readonly Check[] {
    const { identity } = this.#options;
    if (identity === undefined) return [];
    const issue = identityIssue(leaf, identity);
    return [
      issue
        ? failedCheck("certificate-identity", issue)
        : passedCheck("certificate-identity", `the certificate names ${quote(identity)}`),
    ];
  }

  async #revocationCheck(found: PathResult, now: Date): Promise<Check> {
    if (this.#crls.length === 0) {
      return skippedCheck("revocation", "revocation was not checked: no revocation list was given");
    }
    if (!found.path) return skippedCheck("revocation", "there is no chain to check for revocation");
    const result = await checkRevocation(found.path, this.#crls, now);
    if (result.issue) return failedCheck("revocation", result.issue);
    const unchecked = result.uncovered.map(certificateName).join(", ");
    return passedCheck(
      "revocation",
      `not revoked: ${result.covered.map(certificateName).join(", ")}` +
        (unchecked === "" ? "" : `; not checked, for want of a list: ${unchecked}`),
    );
  }

  async #timestamps(
    bundle: Bundle,
    options: RunOptions,
    now: Date,
  ): Promise<
    { readonly timestamps: readonly Timestamp[]; readonly at: Date; readonly check: Check }
  > {
    const { check, timestamps } = await this.#verifyTimestamps(bundle, options);
    // The earliest time at which somebody saw the signature is the one that proves most.
    const [earliest] = timestamps.map(({ time }) => new Date(time))
      .toSorted((left, right) => left.getTime() - right.getTime());
    return { timestamps, at: earliest ?? now, check };
  }

  #logCertificates(claimed: ClaimedChain, logger: Logger | undefined): void {
    const level = this.#options.logFingerprints ? "info" : "debug";
    const log = (role: string, { fingerprint, subject }: Certificate) =>
      logger?.log(level, "certificate", { role, subject: nameText(subject), sha256: fingerprint });
    this.#trust.anchors.forEach((certificate) => log("trust anchor", certificate));
    this.#trust.intermediates.forEach((certificate) => log("given intermediate", certificate));
    log("leaf", claimed.leaf);
    claimed.others.forEach((certificate) => log("intermediate in the bundle", certificate));
  }
}

async function signatureCheck(
  bundle: Bundle,
  leaf: Certificate,
): Promise<
  { readonly check: Check; readonly encoding?: SignatureVerification["encoding"] & string }
> {
  const found = leafKey(leaf);
  if ("issue" in found) return { check: failedCheck("signature", found.issue) };
  const encoding = await verifyEnvelope(bundle.envelope, found.key);
  if (encoding === undefined) {
    const message =
      `the signature was not made with the key of certificate ${certificateName(leaf)} over ` +
      "this payload";
    return { check: failedCheck("signature", { code: "SIGNATURE_INVALID", message }) };
  }
  return {
    check: passedCheck(
      "signature",
      `made with the ${found.name} key of certificate ${certificateName(leaf)}`,
    ),
    encoding,
  };
}

function chainCheck(found: PathResult): Check {
  if (!found.path) return failedCheck("certificate-chain", found.issue);
  const anchor = certificateName(found.path.at(-1)!);
  return passedCheck(
    "certificate-chain",
    found.path.length === 1
      ? `the certificate ${anchor} is a trust anchor itself`
      : `${found.path.length} certificates, up to the trust anchor ${anchor}`,
  );
}

function usageCheck(leaf: Certificate): Check {
  const issue = usageIssue(leaf);
  return issue
    ? failedCheck("certificate-usage", issue)
    : passedCheck("certificate-usage", "the certificate may sign code");
}

function validityCheck(leaf: Certificate, found: PathResult, at: Date, proven: boolean): Check {
  const id = "certificate-validity";
  const issue = found.path ? found.outOfDate : validityIssue(leaf, at);
  if (issue) return failedCheck(id, issue);
  const when = proven ? `at ${isoTime(at)}, as a timestamp proves` : `now, at ${isoTime(at)}`;
  return passedCheck(id, `${found.path ? "every certificate" : "the leaf"} is valid ${when}`);
}

function identityOf(leaf: Certificate, anchor: Certificate): Identity {
  return {
    kind: "certificate",
    method: "certificate",
    certificate: certificateInfo(leaf),
    anchor: certificateInfo(anchor),
  };
}
