/** A plugin's signer. */

import type { VerificationMaterial } from "../../core/bundle.ts";
import type { JsonObject } from "../../core/json.ts";
import { keyHint, publicKeyFromDer } from "../../core/keys.ts";
import { MAX_CERTIFICATE_BYTES, MAX_CHAIN_LENGTH, MAX_SIGNATURE_BYTES } from "../../core/limits.ts";
import type { Signed, Signer } from "../../core/signer.ts";
import {
  base64At,
  listAt,
  optionalAt,
  requireHolding,
  ShapeError,
  textAt,
} from "../_plugin/mod.ts";
import { requireAlgorithm } from "./algorithms.ts";
import type { PayloadForm } from "./hello.ts";
import { payloadFor } from "./payload.ts";
import type { PluginSession } from "./session.ts";

/** What a signer works with. */
export type ExecSignerOptions = {
  /** For messages. */
  readonly who: string;
  readonly session: PluginSession;
  readonly form: PayloadForm;
  /** Settings, secrets revealed, and the model's path if the user allows it. */
  readonly members: Readonly<Record<string, unknown>>;
};

/** Signs through a running plugin, which ends when the signer is disposed of. */
export function execSigner({ who, session, form, members }: ExecSignerOptions): Signer {
  let closed: Promise<void> | undefined;
  return {
    async sign(pae, options) {
      const signed = await session.request({
        type: "sign",
        answer: "signed",
        members: async (folder, id) => ({
          ...members,
          payload: await payloadFor(form, pae, folder, id),
        }),
        read: (answer) => signedIn(who, answer),
      }, options);
      requireHolding(signed, pae, who);
      return signed;
    },
    [Symbol.asyncDispose]: () => closed ??= session[Symbol.asyncDispose](),
  };
}

function signedIn(who: string, answer: JsonObject): Signed {
  const algorithm = textAt(answer["algorithm"], "signed.algorithm", 64);
  const publicKey = base64At(answer["publicKey"], "signed.publicKey", MAX_CERTIFICATE_BYTES);
  requireAlgorithm(who, algorithm, publicKey);
  return {
    signature: base64At(answer["signature"], "signed.signature", MAX_SIGNATURE_BYTES),
    publicKey,
    material: materialIn(answer, publicKey),
  };
}

/** A chain when the plugin gave certificates, else the key's hint, which the program computes itself. */
function materialIn(answer: JsonObject, publicKey: Uint8Array): VerificationMaterial {
  const { certificates } = optionalAt(
    answer,
    "certificates",
    "signed",
    (list, at) =>
      listAt(list, at, MAX_CHAIN_LENGTH).map((item, index) =>
        base64At(item, `${at}[${index}]`, MAX_CERTIFICATE_BYTES)
      ),
  );
  if (certificates === undefined) {
    return { kind: "public-key", hint: keyHint(publicKeyFromDer(publicKey)) };
  }
  const [leaf, ...rest] = certificates;
  if (leaf === undefined) throw new ShapeError("signed.certificates is empty");
  return { kind: "certificate-chain", certificates: [leaf, ...rest] };
}
