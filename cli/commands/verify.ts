/** `verify METHOD MODEL` */

import { Buffer } from "node:buffer";
import {
  type DiscoveredReport,
  hintedReport,
  type Hints,
  metadataPaths,
  type Report,
  signedPaths,
  textSetting,
  traced,
  type Verifier,
  type VerifierProvider,
  verifyDiscovered,
  verifyModel,
  writeFileAtomically,
} from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { flag, hasherOf, type OpenedModel, openModel, pick, rolesOf } from "../model.ts";
import { usageError } from "../option.ts";
import { isInside } from "../place.ts";
import { pageStyle } from "../report/page.ts";
import { verificationJson } from "../report/verification_json.ts";
import { type NamedReport, verificationText } from "../report/verification_text.ts";
import { removeReport } from "../report_file.ts";
import { readSignature } from "../signature.ts";

const STATUS: Readonly<Record<Report["verdict"], ExitStatus>> = {
  verified: 0,
  rejected: 1,
  inconclusive: 3,
};

const HINTS: Hints = {
  ARCHIVE_UNDECIDED:
    "what was unpacked cannot be compared with an archive's digest; verify the model where it is " +
    "still packed (oci://... or oci-layout:...), or with the archives beside it",
  SIGNATURE_MISSING: "name a signature file with --signature, if there is one elsewhere",
  SYMLINKS_REFUSED: "leave --no-allow-symlinks out to accept it",
};

/** Verifies a model and tells the outcome. */
export async function verify(
  provider: VerifierProvider,
  invocation: Invocation,
): Promise<ExitStatus> {
  const { settings, run, io, operand } = invocation;
  const reportFile = textSetting(settings, "report");
  // Found out now, not after hours of hashing.
  if (reportFile !== undefined) {
    await removeReport(reportFile);
    if (await isInside(operand, reportFile)) {
      run.logger?.log("warn", "the report will lie inside the model, which nobody signed with it", {
        path: reportFile,
      });
    }
  }
  const verifier = await traced(
    run,
    "open.verifier",
    (inner) => provider.open(pick(settings, provider.options), inner),
  );
  const opened = await openModel(invocation);
  const { source, puller } = opened;
  const folder = textSetting(settings, "pull");
  if (folder !== undefined && !puller) {
    throw usageError("--pull is given, and the model is on this machine already");
  }
  const found = await verified(opened, verifier, invocation);
  const report = hintedReport(found.report, HINTS);
  run.span?.set({ verdict: report.verdict }, { signature: found.signature });
  let pulled: string | undefined;
  if (folder !== undefined && report.verdict === "verified") {
    const { manifest } = report;
    const signed = signedPaths(manifest);
    const metadata = metadataPaths(manifest, rolesOf(invocation)({ manifest }));
    await puller!.pull({ folder, hasher: hasherOf(invocation), signed, metadata }, run);
    pulled = folder;
  }
  const named: NamedReport = {
    ...found,
    report,
    model: operand,
    name: source.name,
    ...(pulled === undefined ? {} : { pulled }),
  };
  const json = () => verificationJson(named, invocation.version);
  if (reportFile !== undefined) await writeFileAtomically(reportFile, Buffer.from(json(), "utf8"));
  if (textSetting(settings, "format") === "json") io.stdout.write(json());
  else if (invocation.tells(report.verdict === "verified")) {
    io.stdout.write(verificationText(named, pageStyle(io.stdout, io)));
  }
  return STATUS[report.verdict];
}

/** A report, the signature that it is about, and what became of the others. */
type Verified = Pick<NamedReport, "report" | "signature" | "others">;

/** Verifies with the signature that was named, or with those beside the model. */
async function verified(
  { source, signatures, mustBind }: OpenedModel,
  verifier: Verifier,
  invocation: Invocation,
): Promise<Verified> {
  const { settings, run } = invocation;
  const input = {
    source,
    hasher: hasherOf(invocation),
    verifier,
    roles: rolesOf(invocation),
    ...(mustBind ? { mustBind } : {}),
    ...flag(settings, "ignore-git-paths", "ignoreGitPaths"),
    ...flag(settings, "allow-symlinks", "allowSymlinks"),
    ...flag(settings, "ignore-unsigned-files", "ignoreUnsignedFiles"),
  };
  const named = textSetting(settings, "signature");
  if (named === undefined && signatures) {
    return withSignature(await verifyDiscovered({ ...input, signatures }, run));
  }
  const signature = named ?? "";
  const bundle = await readSignature(signature, run.signal);
  run.logger?.log("debug", "verifying", { signature });
  return { signature, report: await verifyModel({ ...input, bundle }, run) };
}

function withSignature({ report, reference = "none", others }: DiscoveredReport): Verified {
  if (others.length === 0) return { signature: reference, report };
  return {
    signature: reference,
    report,
    others: others.map(({ reference, report: { verdict, issues } }) => ({
      signature: reference,
      verdict,
      issues,
    })),
  };
}
