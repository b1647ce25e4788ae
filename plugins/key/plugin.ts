/** The key method as a plugin. */

import { ModelSigningError } from "../../core/errors.ts";
import { MAX_KEY_FILE_BYTES } from "../../core/limits.ts";
import { CONTRACT_VERSION, type Plugin } from "../../core/plugin.ts";
import { listSetting } from "../../core/settings.ts";
import { readFiles } from "../_input/mod.ts";
import { loadPrivateKey, PRIVATE_KEY_OPTIONS, readPublicKey } from "../_keyfile/mod.ts";
import {
  TIMESTAMP_OPTIONS,
  timestampWitnesses,
  TRUST_OPTIONS,
  trustedTimestamps,
} from "../_timestamp/mod.ts";
import { keyDescriber } from "./describer.ts";
import { keySigner } from "./signer.ts";
import { keyVerifier } from "./verifier.ts";

/** Provides `sign key` and `verify key`. */
export const keyPlugin: Plugin = {
  name: "key",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [
    {
      kind: "signer",
      id: "key",
      summary: "Sign with a private key",
      options: [...PRIVATE_KEY_OPTIONS, ...TIMESTAMP_OPTIONS],
      examples: [
        "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem",
        "model-signing sign key ./model --private-key key.pem --signature model.sig",
      ],
      async open(settings, options) {
        const witnesses = timestampWitnesses(settings);
        const privateKey = await loadPrivateKey(settings, options);
        return { signer: keySigner({ privateKey }), witnesses };
      },
    },
    {
      kind: "verifier",
      id: "key",
      summary: "Verify with the signer's public key",
      options: [{
        name: "public-key",
        type: "file",
        metavar: "FILE",
        required: true,
        repeatable: true,
        commaSeparated: true,
        description: "public key or certificate, PEM or DER; given several times, one must fit",
      }, ...TRUST_OPTIONS],
      examples: [
        "openssl pkey -in key.pem -pubout -out key.pub",
        "model-signing verify key ./model --public-key key.pub --signature model.sig",
      ],
      describer: keyDescriber,
      async open(settings, options) {
        const paths = listSetting(settings, "public-key");
        const files = await readFiles(paths, "public key", MAX_KEY_FILE_BYTES, options);
        const [first, ...rest] = files.map(({ bytes, name }) => readPublicKey(bytes, name));
        if (!first) throw new ModelSigningError("USAGE", "no --public-key was given");
        return keyVerifier({
          publicKeys: [first, ...rest],
          timestampVerifier: await trustedTimestamps(settings, options),
        });
      },
    },
  ],
};
