/**
 * Certification paths: building (RFC 4158) and validation (RFC 5280 6).
 *
 * Certificate policies are not processed: a path may run under any policy, and the critical extensions that
 * would demand more (policy constraints, inhibit anyPolicy) are refused like unknown ones.
 */

import type { Issue } from "../../core/errors.ts";
import { MAX_CHAIN_LENGTH } from "../../core/limits.ts";
import { excerpt } from "../../core/text.ts";
import { type Certificate, certificateName } from "./certificate.ts";
import { KEY_USAGE, PURPOSE } from "./extensions.ts";
import { MAX_SIGNATURE_CHECKS, MAX_STEPS } from "./limits.ts";
import { nameText } from "./name.ts";
import { nameConstraintProblem } from "./name_constraints.ts";
import { certificateKey } from "./public_key.ts";
import { signatureScheme, verifySigned } from "./signature.ts";
import { validityIssue } from "./validity.ts";

/** Where a path may start, and what it may lead through. */
export type PathMaterial = {
  /** Self-signed certificates that the user trusts. */
  readonly anchors: readonly Certificate[];
  /** Any others, trusted in nothing; tried in this order. */
  readonly intermediates: readonly Certificate[];
};

/** Whether a certificate's signature was made with another one's key, by the fingerprints of both. */
export type CheckedSignatures = Map<string, boolean>;

/** What a path is wanted for. */
export type PathOptions = {
  /** The time at which every certificate should be valid. */
  readonly at: Date;
  /** Dotted identifier of the purpose that no CA's extended key usage may exclude. */
  readonly purpose: string;
  /**
   * What searches for the same bundle have verified already. Those that share it share the limit on signature checks,
   * too. Default: none.
   */
  readonly checked?: CheckedSignatures;
};

/** A path, leaf first, the anchor last. A leaf that is an anchor is a path of one. */
export type Path = readonly [Certificate, ...Certificate[]];

/** What {@link findPath} found. */
export type PathResult =
  | {
    readonly path: Path;
    /** Set when the path holds but for the time: every path has a certificate that is not valid at it. */
    readonly outOfDate?: Issue;
  }
  | { readonly path?: undefined; readonly issue: Issue };

/**
 * Finds a path from the leaf to a trust anchor. The first that holds at `at` wins; without one, the first
 * that holds but for the time; without that, the finding says how far the best attempt came.
 *
 * Findings: `CERTIFICATE_UNTRUSTED`, `CERTIFICATE_CONSTRAINT`, `KEY_REFUSED`; for `outOfDate`
 * `CERTIFICATE_EXPIRED`, `CERTIFICATE_NOT_YET_VALID`.
 */
export async function findPath(
  leaf: Certificate,
  material: PathMaterial,
  options: PathOptions,
): Promise<PathResult> {
  return await new PathSearch(material, options).run(leaf);
}

/** One search: depth first, from the leaf towards the anchors, with a shared budget. */
class PathSearch {
  readonly #options: PathOptions;
  readonly #anchors: ReadonlySet<string>;
  readonly #bySubject = new Map<string, Certificate[]>();
  readonly #checked: CheckedSignatures;
  #steps = 0;
  /** The limit that ended the search, as a noun phrase. */
  #spent: string | undefined;
  #outOfDate: { readonly path: Path; readonly outOfDate: Issue } | undefined;
  #failure: { readonly issue: Issue; readonly rank: number } | undefined;

  constructor({ anchors, intermediates }: PathMaterial, options: PathOptions) {
    this.#options = options;
    this.#checked = options.checked ?? new Map();
    this.#anchors = new Set(anchors.map(({ fingerprint }) => fingerprint));
    const seen = new Set<string>();
    for (const certificate of [...anchors, ...intermediates]) {
      if (seen.has(certificate.fingerprint)) continue;
      seen.add(certificate.fingerprint);
      const same = this.#bySubject.get(certificate.subjectKey);
      if (same) same.push(certificate);
      else this.#bySubject.set(certificate.subjectKey, [certificate]);
    }
  }

  async run(leaf: Certificate): Promise<PathResult> {
    const problem = unknownCriticalIssue(leaf);
    if (problem) return { issue: problem };
    const path = await this.#extend([leaf]);
    if (path) return { path };
    if (this.#outOfDate) return this.#outOfDate;
    if (this.#spent !== undefined) {
      return {
        issue: untrusted(
          `no path from certificate ${certificateName(leaf)} to a trust anchor was found within ` +
            this.#spent,
        ),
      };
    }
    return { issue: this.#failure!.issue };
  }

  /** A path that holds and begins with `path`, or undefined. */
  async #extend(path: Path): Promise<Path | undefined> {
    const last = path.at(-1)!;
    if (this.#anchors.has(last.fingerprint)) return this.#complete(path);
    if (path.length === MAX_CHAIN_LENGTH) {
      this.#fail(path, 0, untrusted(`the chain is longer than ${MAX_CHAIN_LENGTH} certificates`));
      return undefined;
    }
    const issuers = this.#issuersOf(path);
    if (issuers.length === 0) this.#fail(path, 0, noIssuer(last));
    for (const issuer of issuers) {
      if (++this.#steps > MAX_STEPS) {
        this.#spent ??= `${MAX_STEPS} steps from a certificate to an issuer`;
      }
      if (this.#spent !== undefined) return undefined;
      const issue = await this.#signatureIssue(last, issuer);
      if (issue) {
        this.#fail(path, issue.code === "CERTIFICATE_UNTRUSTED" ? 1 : 2, issue);
        continue;
      }
      const longer: Path = [...path, issuer];
      const problem = issuerIssue(
        issuer,
        this.#anchors.has(issuer.fingerprint),
        path,
        this.#options.purpose,
      );
      if (problem) {
        this.#fail(longer, 2, problem);
        continue;
      }
      const found = await this.#extend(longer);
      if (found) return found;
    }
    return undefined;
  }

  #complete(path: Path): Path | undefined {
    // Only now: comparing names takes long, and above the leaf a bundle could bring any number of CAs of its own.
    const refused = nameConstraintIssue(path);
    if (refused) {
      this.#fail(path, 2, refused);
      return undefined;
    }
    for (const certificate of path) {
      const outOfDate = validityIssue(certificate, this.#options.at);
      if (!outOfDate) continue;
      this.#outOfDate ??= { path, outOfDate };
      return undefined;
    }
    return path;
  }

  /** Candidates by name, without those that would close a circle; those whose key identifier fits first. */
  #issuersOf(path: Path): readonly Certificate[] {
    const last = path.at(-1)!;
    const named = this.#bySubject.get(last.issuerKey) ?? [];
    const hint = last.authorityKeyIdentifier;
    const fits = ({ subjectKeyIdentifier }: Certificate) =>
      hint !== undefined && subjectKeyIdentifier === hint;
    return [...named.filter(fits), ...named.filter((candidate) => !fits(candidate))]
      .filter((candidate) => !path.some((used) => sameEntity(used, candidate)));
  }

  async #signatureIssue(subject: Certificate, issuer: Certificate): Promise<Issue | undefined> {
    const scheme = signatureScheme(subject.algorithm);
    if (scheme === undefined || scheme.weak !== undefined) {
      const name = scheme?.weak ?? `the unsupported algorithm ${subject.algorithm.id}`;
      return {
        code: "CERTIFICATE_CONSTRAINT",
        message: `certificate ${certificateName(subject)} is signed with ${name}, ` +
          "expected SHA-256, SHA-384 or SHA-512 with ECDSA or RSA, or Ed25519",
      };
    }
    const key = certificateKey(issuer.publicKeyInfo);
    if ("refused" in key) {
      return {
        code: "KEY_REFUSED",
        message: `CA ${certificateName(issuer)} has ${key.refused}`,
      };
    }
    const pair = `${subject.fingerprint} ${issuer.fingerprint}`;
    let holds = this.#checked.get(pair);
    if (holds === undefined) {
      if (this.#checked.size >= MAX_SIGNATURE_CHECKS) {
        this.#spent = `${MAX_SIGNATURE_CHECKS} signature checks`;
        return untrusted("too many certificates sign each other");
      }
      holds = await verifySigned(subject, key);
      this.#checked.set(pair, holds);
    }
    return holds ? undefined : untrusted(
      `the signature on certificate ${certificateName(subject)} was not made with the key of ` +
        `its issuer ${certificateName(issuer)} as it is known`,
    );
  }

  /** Keeps the finding that says most: broken rules first, then what came furthest. */
  #fail(path: Path, rank: 0 | 1 | 2, issue: Issue): void {
    const total = (rank === 2 ? 1000 : 0) + path.length * 10 + rank;
    if (total > (this.#failure?.rank ?? -1)) this.#failure = { issue, rank: total };
  }
}

/** What forbids a certificate to stand above those of `below`, which begins with the leaf. */
function issuerIssue(
  issuer: Certificate,
  isAnchor: boolean,
  below: Path,
  purpose: string,
): Issue | undefined {
  const name = certificateName(issuer);
  const unknown = unknownCriticalIssue(issuer);
  if (unknown) return unknown;
  const { basicConstraints, keyUsage, extendedKeyUsage } = issuer;
  // Before version 3 a certificate could not say that it is a CA: only the user's word makes it one.
  if (!basicConstraints?.ca && !(isAnchor && issuer.version < 3)) {
    return constraint(`certificate ${name} issued another and is no CA`);
  }
  if (keyUsage && !keyUsage.has(KEY_USAGE.keyCertSign)) {
    return constraint(`the key usage of CA ${name} does not allow it to sign certificates`);
  }
  if (
    extendedKeyUsage && !extendedKeyUsage.some((id) => id === purpose || id === PURPOSE.any)
  ) return constraint(`the extended key usage of CA ${name} does not allow this use`);
  // RFC 5280 4.2.1.9: intermediate certificates that follow it, self-issued ones not counted.
  const depth =
    below.slice(1).filter(({ issuerKey, subjectKey }) => issuerKey !== subjectKey).length;
  const limit = basicConstraints?.pathLength;
  if (limit !== undefined && depth > limit) {
    return constraint(`CA ${name} allows ${limit} CAs below it, and there are ${depth}`);
  }
  return undefined;
}

/** What the name constraints of a path's CAs refuse below them (RFC 5280 6.1.3 and 6.1.4). */
function nameConstraintIssue(path: Path): Issue | undefined {
  for (const [depth, { nameConstraints }] of path.entries()) {
    if (!nameConstraints) continue;
    for (const [index, certificate] of path.slice(0, depth).entries()) {
      // RFC 5280 6.1.3 (b): self-issued certificates are exempt unless they are the last.
      if (index > 0 && certificate.issuerKey === certificate.subjectKey) continue;
      const problem = nameConstraintProblem(nameConstraints, certificate);
      if (problem) {
        return constraint(
          `the name constraints of CA ${certificateName(path[depth]!)} refuse certificate ${
            certificateName(certificate)
          }: ${problem}`,
        );
      }
    }
  }
  return undefined;
}

function unknownCriticalIssue(certificate: Certificate): Issue | undefined {
  const [id] = certificate.unknownCritical;
  return id === undefined ? undefined : constraint(
    `certificate ${
      certificateName(certificate)
    } has the critical extension ${id}, which is unknown`,
  );
}

/** RFC 4158 2.4.2: the same name with the same key is the same CA again, whatever else the certificate says. */
function sameEntity(left: Certificate, right: Certificate): boolean {
  return left.subjectKey === right.subjectKey &&
    left.publicKeyInfo.der.length === right.publicKeyInfo.der.length &&
    left.publicKeyInfo.der.every((byte, index) => byte === right.publicKeyInfo.der[index]);
}

function noIssuer(certificate: Certificate): Issue {
  if (certificate.issuerKey === certificate.subjectKey) {
    return untrusted(
      `the chain ends at certificate ${certificateName(certificate)}, which is not a trust anchor`,
    );
  }
  return untrusted(
    `certificate ${
      certificateName(certificate)
    } is not a trust anchor, and no certificate of its issuer ` +
      `${excerpt(nameText(certificate.issuer))} is known`,
  );
}

function untrusted(message: string): Issue {
  return { code: "CERTIFICATE_UNTRUSTED", message };
}

function constraint(message: string): Issue {
  return { code: "CERTIFICATE_CONSTRAINT", message };
}
