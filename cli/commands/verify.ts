/** `verify METHOD MODEL` */

import { Buffer } from "node:buffer";
import { rm } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import {
  beginSpan,
  checkWritable,
  type FoundSignature,
  ModelSigningError,
  type OpenedSource,
  type Parsed,
  quote,
  type Report,
  type SignatureStore,
  systemReason,
  traced,
  type Verifier,
  type VerifierProvider,
  verifyModel,
  writeFileAtomically,
} from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { flag, hasherOf, openModel, pick, rolesOf } from "../model.ts";
import { usageError } from "../option.ts";
import { pageStyle } from "../report/page.ts";
import { verificationJson } from "../report/verification_json.ts";
import { type NamedReport, verificationText } from "../report/verification_text.ts";
import { readSignature, STANDARD_STREAM } from "../signature.ts";

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
  const reportFile = settings["report"] as string | undefined;
  // Found out now, not after hours of hashing.
  if (reportFile !== undefined) {
    await removeReport(reportFile);
    if (isInside(operand, reportFile)) {
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
  const folder = settings["pull"] as string | undefined;
  if (folder !== undefined && !puller) {
    throw usageError("--pull is given, and the model is on this machine already");
  }
  const verified = await verifyAny(opened, verifier, invocation);
  const { report } = verified;
  run.span?.set({ verdict: report.verdict }, { signature: verified.signature });
  const pulled = folder !== undefined && report.verdict === "verified" ? folder : undefined;
  if (pulled !== undefined) {
    await puller!.pull({ folder: pulled, hasher: hasherOf(invocation) }, run);
  }
  const named: NamedReport = {
    ...verified,
    model: operand,
    name: source.name,
    ...(pulled === undefined ? {} : { pulled }),
  };
  const json = () => verificationJson(named, invocation.version);
  if (reportFile !== undefined) await writeFileAtomically(reportFile, Buffer.from(json(), "utf8"));
  if (settings["format"] === "json") io.stdout.write(json());
  else if (invocation.tells(report.verdict === "verified")) {
    io.stdout.write(verificationText(named, pageStyle(io.stdout, io)));
  }
  return STATUS[report.verdict];
}

/** What an earlier run found must not be taken for the outcome of one that fails. */
async function removeReport(path: string): Promise<void> {
  if (path === STANDARD_STREAM) {
    throw usageError(`--report is "-", expected a file`, "--format json prints the report");
  }
  await checkWritable(path, { kind: "a report", mark: '"verdict"' });
  await rm(path, { force: true }).catch((cause) => {
    const problem = `cannot replace ${quote(path)}: ${systemReason(cause)}`;
    throw new ModelSigningError("FILE_UNWRITABLE", problem, { cause });
  });
}

/** Whether a path lies in a folder, by their names. */
function isInside(folder: string, path: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== "" && way.split(sep)[0] !== ".." && !isAbsolute(way);
}

/** A report, the signature that it is about, and what became of the others. */
type Verified = Pick<NamedReport, "report" | "signature" | "others">;

/** Verifies with the signature that was named, or with those beside the model until one is accepted. */
async function verifyAny(
  { source, signatures }: OpenedSource,
  verifier: Verifier,
  invocation: Invocation,
): Promise<Verified> {
  const { settings, run } = invocation;
  const verifyWith = async ({ reference, bundle }: FoundSignature): Promise<Verified> => {
    run.logger?.log("debug", "verifying", { signature: reference });
    const report = await verifyModel({
      bundle,
      source,
      hasher: hasherOf(invocation),
      verifier,
      roles: rolesOf(invocation),
      ...flag(settings, "ignore-git-paths", "ignoreGitPaths"),
      ...flag(settings, "allow-symlinks", "allowSymlinks"),
      ...flag(settings, "ignore-unsigned-files", "ignoreUnsignedFiles"),
    }, run);
    return { signature: reference, report };
  };
  const signature = settings["signature"] as string | undefined;
  if (signature !== undefined || !signatures) {
    const reference = signature ?? "";
    return await verifyWith({ reference, bundle: await readSignature(reference) });
  }
  const tried: Verified[] = [];
  for await (const found of orNone(signatures, invocation)) {
    const verified = await verifyWith(found);
    if (verified.report.verdict === "verified") return withOthers(verified, tried);
    tried.push(verified);
  }
  const best = tried.toSorted((left, right) => rank(left) - rank(right))[0]!;
  return withOthers(best, tried.filter((each) => each !== best));
}

/** What is beside the model, or the finding that nothing is. */
async function* orNone(
  signatures: SignatureStore,
  { run }: Invocation,
): AsyncIterable<FoundSignature> {
  const { span, end } = beginSpan(run, "signature.discover");
  let count = 0;
  let failure: unknown;
  try {
    for await (const found of signatures.discover({ ...run, span })) {
      count++;
      yield found;
    }
  } catch (error) {
    failure = error;
    throw error;
  } finally {
    // Also when one was accepted, and the others are not looked at.
    span.set({ signatures: count });
    end(failure);
  }
  if (count > 0) return;
  const none: Parsed<never> = {
    ok: false,
    issue: {
      code: "SIGNATURE_MISSING",
      message: "there is no signature beside the model",
      hint: "name a signature file with --signature, if there is one elsewhere",
    },
  };
  yield { reference: "none", bundle: none };
}

/** The one that came furthest is reported in full: its signature holds, or at least it can be read. */
function rank({ report }: Verified): number {
  if (report.verdict === "inconclusive") return 0;
  if (report.verdict === "verified" || report.signedBy !== undefined) return 1;
  return report.checks.some(({ id, status }) => id === "bundle" && status === "passed") ? 2 : 3;
}

function withOthers(verified: Verified, tried: readonly Verified[]): Verified {
  if (tried.length === 0) return verified;
  return {
    ...verified,
    others: tried.map(({ signature, report }) => ({
      signature,
      verdict: report.verdict,
      issues: report.verdict === "verified" ? [] : report.issues,
    })),
  };
}
