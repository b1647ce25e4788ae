/** The certificate method as a plugin. */

import { ModelSigningError } from "../../core/errors.ts";
import { hintedCheck, type Hints, withHints } from "../../core/hint.ts";
import { MAX_TRUST_FILE_BYTES } from "../../core/limits.ts";
import {
  CONTRACT_VERSION,
  type Plugin,
  type SignerProvider,
  type VerifierProvider,
} from "../../core/plugin.ts";
import { flagSetting, listSetting, textSetting } from "../../core/settings.ts";
import {
  CERTIFICATE_CHAIN_OPTION,
  readChainFiles,
  readSigningCertificate,
} from "../_certificate/mod.ts";
import { readFiles } from "../_input/mod.ts";
import { loadPrivateKey, PRIVATE_KEY_OPTIONS } from "../_keyfile/mod.ts";
import {
  TIMESTAMP_OPTIONS,
  timestampWitnesses,
  TRUST_OPTIONS,
  trustedTimestamps,
} from "../_timestamp/mod.ts";
import { certificateDescriber } from "./describer.ts";
import { certificateSigner } from "./signer.ts";
import { certificateVerifier, type CertificateVerifierOptions } from "./verifier.ts";

const signer: SignerProvider = {
  kind: "signer",
  id: "certificate",
  summary: "Sign with a private key and its certificate",
  options: [
    ...PRIVATE_KEY_OPTIONS,
    {
      name: "signing-certificate",
      type: "file",
      metavar: "FILE",
      required: true,
      description: "certificate of the private key, PEM or DER",
    },
    CERTIFICATE_CHAIN_OPTION,
    ...TIMESTAMP_OPTIONS,
  ],
  examples: [
    "model-signing sign certificate ./model --private-key key.pem --signing-certificate cert.pem " +
    "--certificate-chain ca.pem --signature model.sig",
  ],
  async open(settings, options) {
    const certificate = await readSigningCertificate(settings, options);
    if (certificate === undefined) {
      throw new ModelSigningError("USAGE", "no --signing-certificate was given");
    }
    const chain = await readChainFiles(settings, options);
    const witnesses = timestampWitnesses(settings);
    // Last, because it may ask for a password.
    const privateKey = await loadPrivateKey(settings, options);
    return { signer: await certificateSigner({ privateKey, certificate, chain }), witnesses };
  },
};

const HINTS: Hints = {
  TRUST_ANCHOR_MISSING: "add the certificate of the root CA to --certificate-chain",
  CERTIFICATE_UNTRUSTED:
    "if you trust the signer's CA, give --certificate-chain its root certificate, and those between " +
    "the two that the signer left out",
};

const verifier: VerifierProvider = {
  kind: "verifier",
  id: "certificate",
  summary: "Verify with the certificates of CAs that you trust",
  options: [
    {
      name: "certificate-chain",
      type: "file",
      metavar: "FILE",
      required: true,
      requiredBecause:
        "you name the CAs that you trust, because by the system's own any public web CA " +
        "could vouch for a model",
      repeatable: true,
      commaSeparated: true,
      description:
        "CA certificates, PEM or DER: the self-signed ones are trusted, the others help to " +
        "build the chain; there is no default, because no public web CA may vouch for a model",
    },
    {
      name: "crl",
      type: "file",
      metavar: "FILE",
      repeatable: true,
      commaSeparated: true,
      description: "revocation list, PEM or DER; without one, revocation is not checked",
    },
    {
      name: "certificate-identity",
      type: "string",
      metavar: "NAME",
      description: "name the certificate must have: exactly one of its alternative names, or its " +
        "common name if it has none",
    },
    {
      name: "log-fingerprints",
      type: "boolean",
      description: "log the SHA-256 fingerprint of every certificate",
    },
    ...TRUST_OPTIONS,
  ],
  examples: [
    "model-signing verify certificate ./model --signature model.sig --certificate-chain ca.pem",
    "model-signing verify certificate ./model --signature model.sig --certificate-chain ca.pem " +
    "--crl ca.crl --certificate-identity me@example.com",
  ],
  describer: certificateDescriber,
  async open(settings, options) {
    const identity = textSetting(settings, "certificate-identity");
    const trustAnchors = await readFiles(
      listSetting(settings, "certificate-chain"),
      "certificate chain",
      MAX_TRUST_FILE_BYTES,
      options,
    );
    if (trustAnchors.length === 0) {
      throw new ModelSigningError("USAGE", "no --certificate-chain was given");
    }
    const policy: CertificateVerifierOptions = {
      trustAnchors,
      crls: await readFiles(
        listSetting(settings, "crl"),
        "revocation list",
        MAX_TRUST_FILE_BYTES,
        options,
      ),
      logFingerprints: flagSetting(settings, "log-fingerprints") ?? false,
      timestampVerifier: await trustedTimestamps(settings, options),
      ...(identity === undefined ? {} : { identity }),
    };
    const verifier = await withHints(HINTS, () => certificateVerifier(policy));
    return {
      async verify(bundle, options) {
        const { checks, ...found } = await verifier.verify(bundle, options);
        return { ...found, checks: checks.map((check) => hintedCheck(check, HINTS)) };
      },
    };
  },
};

/** Provides `sign certificate` and `verify certificate`. */
export const certificatePlugin: Plugin = {
  name: "certificate",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [signer, verifier],
};
