/** A plugin's verifier and describer. */

import { Buffer } from "node:buffer";
import type { Bundle } from "../../core/bundle.ts";
import { failedCheck, skippedCheck } from "../../core/check.ts";
import { pae } from "../../core/dsse.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Description, SignatureVerification, Verifier } from "../../core/verifier.ts";
import {
  DESCRIBE_MS,
  descriptionAt,
  objectAt,
  ShapeError,
  verificationAt,
} from "../_plugin/mod.ts";
import { frameBytes } from "./frames.ts";
import type { PayloadForm } from "./hello.ts";
import { MAX_FRAME_BYTES } from "./limits.ts";
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

/** Room that a request leaves for the bundle's material, beside settings and payload. */
const MAX_MATERIAL_BYTES = MAX_FRAME_BYTES / 2;

/** Verifies through a plugin. */
export function execVerifier({ open, method, form, members }: ExecVerifierOptions): Verifier {
  return {
    async verify(bundle, options) {
      const claims = claimsOf(bundle);
      // What is in a bundle is nobody's fault, but a finding.
      if ((frameBytes({ claims })?.length ?? Infinity) > MAX_MATERIAL_BYTES) return tooLarge();
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

/** Tells what a bundle claims; undefined when it is not the plugin's, or too large to be told. */
export async function describeThrough(
  open: () => Promise<PluginSession>,
  method: string,
  bundle: Bundle,
): Promise<Description | undefined> {
  const claims = claimsOf(bundle);
  if ((frameBytes({ claims })?.length ?? Infinity) > MAX_MATERIAL_BYTES) return undefined;
  await using session = await open();
  return await session.request({
    type: "describe",
    answer: "described",
    members: () => Promise.resolve({ material: claims.material }),
    read: ({ fields }) =>
      fields === undefined
        ? undefined
        : descriptionAt({ method, fields, certificates: [] }, "described"),
  }, { timeout: DESCRIBE_MS });
}

/** What a bundle says of its signer, as JSON: bytes in base64. */
function claimsOf({ material, envelope, tlogEntries, timestamps }: Bundle) {
  const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");
  return {
    signature: base64(envelope.signature),
    material: material.kind === "public-key"
      ? { kind: material.kind, ...(material.hint === undefined ? {} : { hint: material.hint }) }
      : {
        kind: "certificates",
        certificates:
          (material.kind === "certificate" ? [material.certificate] : material.certificates).map(
            base64,
          ),
      },
    tlogEntries,
    timestamps: timestamps.map(base64),
  };
}

/** The plugin's findings. It names no method: that is its own. What it accepted was signed as DSSE says. */
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
    ...(identity === undefined ? {} : { identity: { ...identityIn(identity), method } }),
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
        message: `the signature's material has more than ${MAX_MATERIAL_BYTES} bytes`,
        hint: "verify it with a built-in method",
      }),
      skippedCheck("signature"),
    ],
    timestamps: [],
  };
}
