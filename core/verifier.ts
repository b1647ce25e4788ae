/** Who decides whether a signature can be trusted. */

import type { Bundle } from "./bundle.ts";
import type { PaeForm } from "./dsse.ts";
import type { Issue } from "./errors.ts";
import type { RunOptions } from "./options.ts";

/** One check and its outcome. `skipped` means that it did not apply or that an earlier one made it moot. */
export type Check =
  & {
    /** Stable name: `signature`, `certificate-chain`, … A verifier has none that the pipeline makes itself (`core/check.ts`). */
    readonly id: string;
    /** What was found, for people: one line. */
    readonly detail: string;
  }
  & (
    | { readonly status: "passed" | "skipped" }
    | { readonly status: "failed"; readonly issue: Issue }
  );

/** What is known of an X.509 certificate, for reports. */
export type CertificateInfo = {
  /** RFC 4514 text. */
  readonly subject: string;
  readonly issuer: string;
  /** Lowercase hex. */
  readonly serial: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** Subject alternative names as `type:value`: `email:a@b.c`, `uri:https://…`, `dns:…`, `ip:…`. */
  readonly subjectAlternativeNames: readonly string[];
  /** SHA-256 of the DER certificate, lowercase hex. */
  readonly fingerprint: string;
  /** Such as `EC P-384` or `RSA 3072`. */
  readonly publicKey: string;
};

/** Who signed, as far as the method can tell; `kind` says by what. */
export type Identity =
  | {
    readonly kind: "key";
    /** The method that the signature was verified by: `sigstore`, a plugin's id. */
    readonly method: string;
    /** SHA-256 of the public key's PEM text, lowercase hex: the bundle's hint. */
    readonly keyHint: string;
    /** Such as `EC P-256`. */
    readonly algorithm: string;
  }
  | {
    readonly kind: "certificate";
    readonly method: string;
    readonly certificate: CertificateInfo;
    /** The trust anchor that the chain leads to. */
    readonly anchor: CertificateInfo;
  }
  | {
    readonly kind: "named";
    readonly method: string;
    /** What people would recognise the signer by. */
    readonly name: string;
    /** Who vouches for the name. */
    readonly issuer?: string;
    readonly fields?: Readonly<Record<string, string>>;
  };

/** A time that somebody other than the signer vouches for. */
export type Timestamp = {
  readonly source: "rfc3161" | "transparency-log";
  /** ISO 8601, UTC. */
  readonly time: string;
  /** Who vouches for it. */
  readonly authority: string;
};

/** What a verifier found. Every check that can run does run, also after a failed one. */
export type SignatureVerification = {
  /** Must hold a check called `signature`. */
  readonly checks: readonly Check[];
  /** Only when no check failed. */
  readonly identity?: Identity;
  /** Verified ones only. */
  readonly timestamps: readonly Timestamp[];
  /** What the signature was made over. Only when the check `signature` passed. */
  readonly encoding?: PaeForm;
};

/** A bundle's claims about its signer, unverified. */
export type Description = {
  /** Whose words these are: the id of the verifier that belongs to the describer. */
  readonly method: string;
  /** What the certificates do not say: label and value, in order, for people and JSON. */
  readonly fields: readonly (readonly [label: string, value: string])[];
  /** Leaf first. */
  readonly certificates: readonly CertificateInfo[];
};

/**
 * Verifies the signature of a bundle by a policy that it was made with.
 *
 * Material of another method, a bad signature and a refused signer are failed checks. Only an outage (a
 * trust store that cannot be read) is thrown. The payload is not looked into.
 */
export interface Verifier {
  /** Runs every check that it can, also after one has failed. */
  verify(bundle: Bundle, options: RunOptions): Promise<SignatureVerification>;
}

/** Tells what a bundle claims about its signer; undefined when the material is of another method. */
export interface Describer {
  /** Reads the material only: nothing is checked, and nobody is asked. */
  describe(bundle: Bundle, options: RunOptions): Promise<Description | undefined>;
}
