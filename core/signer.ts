/** Who signs. */

import type { Envelope, VerificationMaterial } from "./bundle.ts";
import type { JsonObject } from "./json.ts";
import type { RunOptions } from "./options.ts";
import type { Verifier } from "./verifier.ts";

/** What a signer gives back. */
export type Signed = {
  /** Raw signature bytes: DER for ECDSA. */
  readonly signature: Uint8Array;
  /** SubjectPublicKeyInfo, DER. Core checks the signature with it before anything is written. */
  readonly publicKey: Uint8Array;
  /** What the bundle says about the signer. */
  readonly material: VerificationMaterial;
};

/**
 * Makes one signature. No private key crosses this interface.
 *
 * `pae` is the DSSE pre-authentication encoding and is not hashed yet: the signer hashes it as its
 * algorithm demands. A wrong PIN or a refused login is thrown with a code of the signer's own; a signer
 * does not retry by itself.
 */
export interface Signer extends AsyncDisposable {
  /** Signs `pae` once. */
  sign(pae: Uint8Array, options: RunOptions): Promise<Signed>;
}

/** What a witness adds to the verification material. */
export type Evidence = {
  /** Entries of transparency logs, as JSON values of the Sigstore bundle format. */
  readonly tlogEntries?: readonly JsonObject[];
  /** RFC 3161 responses, DER. */
  readonly timestamps?: readonly Uint8Array[];
};

/** Confirms that a signature was made: a transparency log, a timestamp authority. Asked after signing, in parallel. */
export interface Witness {
  /** Obtains the confirmation; an outage is thrown, and then nothing is written. */
  witness(envelope: Envelope, signed: Signed, options: RunOptions): Promise<Evidence>;
}

/** A signer, and what belongs to it. */
export type OpenedSigner = {
  readonly signer: Signer;
  /** Asked in parallel, after the signature was checked. All must answer. */
  readonly witnesses: readonly Witness[];
  /** What the finished bundle must pass before it is handed out. */
  readonly verifier?: Verifier;
};
