/** `inspect SIGNATURE` */

import { ModelSigningError, parseStatement, quote } from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { describeBundle } from "../report/description.ts";
import { inspectionJson, inspectionText } from "../report/inspection.ts";
import { pageStyle } from "../report/page.ts";
import { readSignature } from "../signature.ts";

/** Shows what a signature file claims. Makes no trust decision. */
export async function inspect(invocation: Invocation): Promise<ExitStatus> {
  const { settings, io, operand, registry } = invocation;
  const bundle = await readSignature(operand);
  if (!bundle.ok) {
    throw new ModelSigningError("BUNDLE_REFUSED", `${quote(operand)} is not a usable signature`, {
      issues: [bundle.issue],
    });
  }
  const inspection = {
    path: operand,
    bundle: bundle.value,
    description: await describeBundle(registry, bundle.value),
    statement: parseStatement(bundle.value.envelope.payload),
  };
  io.stdout.write(
    settings["format"] === "json"
      ? inspectionJson(inspection)
      : inspectionText(inspection, pageStyle(io.stdout, io)),
  );
  return 0;
}
