/** Signing with keys in tokens, as a plugin. */

import process from "node:process";
import { ModelSigningError } from "../../core/errors.ts";
import { type Hints, withHints } from "../../core/hint.ts";
import { CONTRACT_VERSION, type Option, type Plugin, type Settings } from "../../core/plugin.ts";
import { Secret } from "../../core/secret.ts";
import { listSetting, secretSetting } from "../../core/settings.ts";
import {
  CERTIFICATE_CHAIN_OPTION,
  readChainFiles,
  readSigningCertificate,
} from "../_certificate/mod.ts";
import { TIMESTAMP_OPTIONS, timestampWitnesses } from "../_timestamp/mod.ts";
import { pkcs11CertificateSigner, pkcs11KeySigner } from "./signer.ts";
import type { TokenKeyOptions } from "./token_key.ts";

/** Which key. Both options can name code to load. */
const TOKEN_OPTIONS: readonly Option[] = [
  {
    name: "pkcs11-uri",
    type: "string",
    secret: true,
    metavar: "URI",
    required: true,
    fromEnvironment: false,
    description:
      "private key and module as a PKCS#11 URI (RFC 7512); the PIN comes from the file of its " +
      "pin-source, from PKCS11_PIN, or from the prompt",
  },
  {
    name: "module-path",
    type: "directory",
    metavar: "DIRECTORY",
    repeatable: true,
    commaSeparated: true,
    fromEnvironment: false,
    description: "absolute path of a directory to look for the URI's module-name in, before the " +
      "system's",
  },
];

const HINTS: Hints = {
  PKCS11_CERTIFICATE: "name a file with --signing-certificate",
  PKCS11_MODULE_NOT_FOUND: "--module-path adds a directory",
};

/** Provides `sign pkcs11-key` and `sign pkcs11-certificate`. */
export const pkcs11Plugin: Plugin = {
  name: "pkcs11",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [
    {
      kind: "signer",
      id: "pkcs11-key",
      summary: "Sign with a private key in an HSM, smart card or TPM (PKCS#11)",
      options: [...TOKEN_OPTIONS, ...TIMESTAMP_OPTIONS],
      examples: [
        'model-signing sign pkcs11-key ./model --pkcs11-uri "pkcs11:token=hsm;object=release' +
        '?module-name=softhsm2" --signature model.sig',
      ],
      async open(settings, options) {
        const witnesses = timestampWitnesses(settings);
        const key = keyOptions(settings);
        return { signer: await withHints(HINTS, () => pkcs11KeySigner(key, options)), witnesses };
      },
    },
    {
      kind: "signer",
      id: "pkcs11-certificate",
      summary: "Sign with a private key in an HSM, smart card or TPM, and its certificate",
      options: [
        ...TOKEN_OPTIONS,
        {
          name: "signing-certificate",
          type: "file",
          metavar: "FILE",
          description:
            "certificate of the private key, PEM or DER; without it, the one in the token",
        },
        CERTIFICATE_CHAIN_OPTION,
        ...TIMESTAMP_OPTIONS,
      ],
      examples: [
        'model-signing sign pkcs11-certificate ./model --pkcs11-uri "pkcs11:token=card;id=%02' +
        '?module-name=opensc-pkcs11" --certificate-chain ca.pem --signature model.sig',
      ],
      async open(settings, options) {
        const certificate = await readSigningCertificate(settings, options);
        const chain = await readChainFiles(settings, options);
        const witnesses = timestampWitnesses(settings);
        const key = {
          ...keyOptions(settings),
          ...(certificate === undefined ? {} : { certificate }),
          chain,
        };
        const signer = await withHints(HINTS, () => pkcs11CertificateSigner(key, options));
        return { signer, witnesses };
      },
    },
  ],
};

function keyOptions(settings: Settings): TokenKeyOptions {
  const uri = secretSetting(settings, "pkcs11-uri");
  if (uri === undefined) throw new ModelSigningError("USAGE", "no --pkcs11-uri was given");
  // The name that other programs with PKCS#11 URIs know. An empty variable is how a shell leaves one out.
  const pin = process.env["PKCS11_PIN"] ?? "";
  return {
    uri,
    modulePaths: listSetting(settings, "module-path"),
    ...(pin === "" ? {} : { pin: new Secret(pin) }),
  };
}
