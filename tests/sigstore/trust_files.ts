/** The files that tell clients of the instance: trusted root, signing configurations, trust configurations. */

import { Buffer } from "node:buffer";
import { AUTHORITY_START } from "./certificate.ts";
import type { CtLog } from "./ct_log.ts";
import type { Fulcio } from "./fulcio.ts";
import { type Key, sha256 } from "./keys.ts";
import type { RekorV1 } from "./rekor_v1.ts";
import type { RekorV2 } from "./rekor_v2.ts";
import type { TimestampAuthority } from "./tsa.ts";

/** The services with their addresses. */
export type Services = {
  readonly url: string;
  readonly issuerUrl: string;
  readonly rekor2Url: string;
  readonly tsaUrl: string;
  readonly fulcio: Fulcio;
  readonly ctLog: CtLog;
  readonly rekor: RekorV1;
  readonly rekor2: RekorV2;
  readonly tsa: TimestampAuthority;
};

const START = AUTHORITY_START.toISOString().replace(/\.\d+Z$/, "Z");

const KEY_DETAILS = {
  "P-256": "PKIX_ECDSA_P256_SHA_256",
  "P-384": "PKIX_ECDSA_P384_SHA_384",
  "Ed25519": "PKIX_ED25519",
} as const;

/** Sigstore's TrustedRoot message. */
export function trustedRoot(services: Services): unknown {
  const { url, fulcio, ctLog, rekor, rekor2, tsa } = services;
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [
      log(url, rekor.signer.key, rekor.signer.keyId),
      log(services.rekor2Url, rekor2.signer.key, rekor2.signer.keyId),
    ],
    certificateAuthorities: [
      authority(url, fulcio.intermediate.certificate, fulcio.root.certificate),
    ],
    ctlogs: [log(`${url}/ct`, ctLog.key, sha256(ctLog.key.spki))],
    timestampAuthorities: [authority(services.tsaUrl, tsa.certificate, tsa.root.certificate)],
  };
}

/** Sigstore's SigningConfig message, v0.2. */
export function signingConfig(services: Services, rekorVersion: 1 | 2): unknown {
  return {
    mediaType: "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    caUrls: [service(services.url, 1)],
    oidcUrls: [service(services.issuerUrl, 1)],
    rekorTlogUrls: [service(rekorVersion === 1 ? services.url : services.rekor2Url, rekorVersion)],
    tsaUrls: [service(services.tsaUrl, 1)],
    rekorTlogConfig: { selector: "ANY" },
    tsaConfig: { selector: "ANY" },
  };
}

/** Every file by name. */
export function trustFiles(services: Services): Readonly<Record<string, string>> {
  const root = trustedRoot(services);
  const [config, configV2] = [signingConfig(services, 1), signingConfig(services, 2)];
  const files = {
    "trusted_root.json": root,
    "signing_config.json": config,
    "signing_config_v2.json": configV2,
    "trust_config.json": trustConfig(root, config),
    "trust_config_v2.json": trustConfig(root, configV2),
  };
  return Object.fromEntries(
    Object.entries(files).map((
      [name, value],
    ) => [name, `${JSON.stringify(value, undefined, 2)}\n`]),
  );
}

function trustConfig(trustedRoot: unknown, signingConfig: unknown): unknown {
  return {
    mediaType: "application/vnd.dev.sigstore.clienttrustconfig.v0.1+json",
    trustedRoot,
    signingConfig,
  };
}

function log(baseUrl: string, key: Key, keyId: Buffer): unknown {
  return {
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: key.spki.toString("base64"),
      keyDetails: KEY_DETAILS[key.kind],
      validFor: { start: START },
    },
    logId: { keyId: keyId.toString("base64") },
  };
}

/** @param certificates from the leaf to the root */
function authority(uri: string, ...certificates: readonly Uint8Array[]): unknown {
  return {
    subject: { organization: "Loopback Sigstore for tests", commonName: "loopback" },
    uri,
    certChain: {
      certificates: certificates.map((der) => ({ rawBytes: Buffer.from(der).toString("base64") })),
    },
    validFor: { start: START },
  };
}

function service(url: string, majorApiVersion: number): unknown {
  return { url, majorApiVersion, validFor: { start: START }, operator: "loopback.example" };
}
