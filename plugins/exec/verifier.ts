/** A plugin's verifier. */

import { failedCheck, skippedCheck } from "../../core/check.ts";
import { pae } from "../../core/dsse.ts";
import type { JsonObject } from "../../core/json.ts";
import type { SignatureVerification, Verifier } from "../../core/verifier.ts";
import { objectAt, ShapeError, verificationAt } from "../_plugin/mod.ts";
import { claimsOf, haveRoom, MAX_CLAIMS_BYTES } from "./claims.ts";
import type { PayloadForm } from "./hello.ts";
import { payloadFor } from "./payload.ts";
import type { PluginSession } from "./session.ts";

/** What a verifier works with. */
export type ExecVerifierOptions = {
  /** Starts the plugin; for each bundle anew, as nothing tells when the last one was verified. */
  open(): Promise<PluginSession>;
  /** The plugin's name, which is that of its method. */
  readonly method: string;
  readonly form: PayloadForm;
  /** Settings, secrets revealed, and the model's path if the user allows it. */
  readonly members: Readonly<Record<string, unknown>>;
};

/** Verifies through a plugin. */
export function execVerifier({ open, method, form, members }: ExecVerifierOptions): Verifier {
  return {
    async verify(bundle, options) {
      const claims = claimsOf(bundle);
      // What is in a bundle is nobody's fault, but a finding.
      if (!haveRoom(claims)) return tooLarge();
      await using session = await open();
      return await session.request({
        type: "verify",
        answer: "verified",
        members: async (folder, id) => ({
          ...members,
          ...claims,
          payload: await payloadFor(
            form,
            pae(bundle.envelope.payloadType, bundle.envelope.payload),
            folder,
            id,
          ),
        }),
        read: (answer) => verificationIn(answer, method),
      }, options);
    },
  };
}

/**
 * The plugin's findings. The protocol has identities by name only, and none names a method: that is the plugin's own.
 * What it accepted was signed as DSSE says.
 */
function verificationIn(answer: JsonObject, method: string): SignatureVerification {
  const { checks, identity, timestamps } = answer;
  const passed = Array.isArray(checks) &&
    checks.some((check) =>
      typeof check === "object" && check !== null && "id" in check && check.id === "signature" &&
      check.status === "passed"
    );
  const found = {
    checks,
    timestamps,
    ...(passed ? { encoding: "standard" } : {}),
    ...(identity === undefined
      ? {}
      : { identity: { ...identityIn(identity), kind: "named", method } }),
  };
  return verificationAt(found, "verified", method);
}

function identityIn(value: unknown): Readonly<Record<string, unknown>> {
  const given = objectAt(value, "verified.identity");
  if (given["method"] !== undefined) {
    throw new ShapeError("verified.identity names a method, which is the plugin's name");
  }
  return given;
}

function tooLarge(): SignatureVerification {
  return {
    checks: [
      failedCheck("material", {
        code: "BUNDLE_MATERIAL",
        message: `the signature's material has more than ${MAX_CLAIMS_BYTES} bytes`,
        hint: "verify it with a built-in method",
      }),
      skippedCheck("signature"),
    ],
    timestamps: [],
  };
}
