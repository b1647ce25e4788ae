/** `inspect SIGNATURE` */

import { parseStatement, textSetting } from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { describeWithPlugins } from "../report/description.ts";
import { inspectionJson, inspectionText } from "../report/inspection.ts";
import { pageStyle } from "../report/page.ts";
import { readUsableSignature } from "../signature.ts";

/** Shows what a signature file claims. Makes no trust decision. */
export async function inspect(invocation: Invocation): Promise<ExitStatus> {
  const { settings, io, operand, plugins, run } = invocation;
  const bundle = await readUsableSignature(operand, run.signal);
  const inspection = {
    path: operand,
    bundle,
    description: await describeWithPlugins(plugins.plugins, bundle, run),
    statement: parseStatement(bundle.envelope.payload),
  };
  io.stdout.write(
    textSetting(settings, "format") === "json"
      ? inspectionJson(inspection)
      : inspectionText(inspection, pageStyle(io.stdout, io)),
  );
  return 0;
}
