/** `verify METHOD MODEL` */

import { type Report, type VerifierProvider, verifyModel } from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { flag, hasherOf, openModel, pick } from "../model.ts";
import { pageStyle } from "../report/page.ts";
import { verificationJson } from "../report/verification_json.ts";
import { verificationText } from "../report/verification_text.ts";
import { readSignature } from "../signature.ts";

const STATUS: Readonly<Record<Report["verdict"], ExitStatus>> = {
  verified: 0,
  rejected: 1,
  inconclusive: 3,
};

/** Verifies a model and tells the outcome. */
export async function verify(
  provider: VerifierProvider,
  invocation: Invocation,
): Promise<ExitStatus> {
  const { settings, run, io, operand } = invocation;
  const signature = settings["signature"] as string;
  const verifier = await provider.open(pick(settings, provider.options), run);
  const source = await openModel(invocation);
  const report = await verifyModel({
    bundle: await readSignature(signature),
    source,
    hasher: hasherOf(invocation),
    verifier,
    ...flag(settings, "ignore-git-paths", "ignoreGitPaths"),
    ...flag(settings, "allow-symlinks", "allowSymlinks"),
    ...flag(settings, "ignore-unsigned-files", "ignoreUnsignedFiles"),
  }, run);
  const named = { report, model: operand, name: source.name, signature };
  if (settings["format"] === "json") io.stdout.write(verificationJson(named, invocation.version));
  else if (invocation.tells(report.verdict === "verified")) {
    io.stdout.write(verificationText(named, pageStyle(io.stdout, io)));
  }
  return STATUS[report.verdict];
}
