/** `attach MODEL`: keeps an existing signature beside a model. */

import { parseBundle } from "../../core/bundle.ts";
import { type ErrorDetails, ModelSigningError, type Parsed } from "../../core/errors.ts";
import { MAX_BUNDLE_BYTES } from "../../core/limits.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import type { CommandIo, CommandProvider, Settings } from "../../core/plugin.ts";
import { flagSetting, requiredTextSetting } from "../../core/settings.ts";
import { printable, quote } from "../../core/text.ts";
import { readCapped } from "../_input/mod.ts";
import { fitOf } from "./fit.ts";
import { openFromSettings } from "./model_settings.ts";
import { PLATFORM } from "./platform.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";

/** Provides `attach`. */
export const attachCommand: CommandProvider = {
  kind: "command",
  id: "attach",
  summary: "Keep a signature beside a model in a registry",
  operand: {
    metavar: "MODEL",
    description: "The model: oci://HOST/NAME:TAG, or oci-layout:PATH",
  },
  options: [
    {
      name: "signature",
      type: "file",
      metavar: "FILE",
      required: true,
      description: "The signature. It is not verified, but it has to be about this model",
    },
    {
      name: "force",
      type: "boolean",
      fromEnvironment: false,
      description: "Attach it although it is not about this model as it is there",
    },
    PLATFORM,
    ...REGISTRY_OPTIONS,
  ],
  examples: [
    "model-signing attach oci://registry.example.com/models/bert:v1 --signature model.sig",
  ],
  run: attach,
};

async function attach(settings: Settings, io: CommandIo): Promise<0> {
  const path = requiredTextSetting(settings, "signature");
  // It may be a pipe.
  const bytes = await readCapped(path, "signature", MAX_BUNDLE_BYTES, {
    signal: io.signal,
    code: "BUNDLE_UNREADABLE",
  });
  const bundle = usable(parseBundle(bytes), path);
  const statement = usable(parseStatement(bundle.envelope.payload), path);
  const { source, signatures, pinned } = await openFromSettings(io.operand ?? "", settings, io);
  const { misfit, remarks } = fitOf(statement.manifest, source);
  if (misfit !== undefined) {
    const message = `${quote(path)} is not about this model: ${misfit}`;
    const force = flagSetting(settings, "force") ?? false;
    if (!force) throw refused(message, { hint: "--force attaches it anyway" });
    io.logger?.log("warn", message);
  }
  for (const remark of remarks) io.logger?.log("warn", `${quote(path)}: ${remark}`);
  const digest = await signatures.attach(bytes, io);
  io.success(`Attached  ${digest}\nTo        ${printable(pinned)}\n`);
  return 0;
}

function usable<T>(parsed: Parsed<T>, path: string): T {
  if (parsed.ok) return parsed.value;
  throw refused(`${quote(path)} is no signature of a model`, { issues: [parsed.issue] });
}

function refused(message: string, details: ErrorDetails): ModelSigningError {
  return new ModelSigningError("BUNDLE_REFUSED", message, details);
}
