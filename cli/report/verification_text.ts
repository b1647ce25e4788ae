/** The outcome of `verify`, for people: the verdict first. */

import { basename } from "node:path";
import { type Check, type FileDiff, grouped, type Issue, type Report } from "../../core/mod.ts";
import { coverageFields } from "./coverage.ts";
import { issueText } from "./faults.ts";
import { identityLines, timestampLines } from "./identity.ts";
import { STANDARD_STREAM } from "../signature.ts";
import { type Line, Page, type PageStyle, type Tone } from "./page.ts";

/** A report and what it is about. */
export type NamedReport = {
  readonly report: Report;
  /** The model as it was named on the command line. */
  readonly model: string;
  /** The model's own name. */
  readonly name: string;
  /** Path of the signature, or what it is called beside the model. */
  readonly signature: string;
  /** Signatures beside the model that were tried before, and were not accepted. */
  readonly others?: readonly {
    readonly signature: string;
    readonly verdict: Report["verdict"];
    readonly issues: readonly Issue[];
  }[];
  /** The folder that the model was written to. */
  readonly pulled?: string;
};

/** Reasons that are told of each signature that does not count. */
const SHOWN_OF_OTHERS = 3;

const TONES: Readonly<Record<Report["verdict"], Tone>> = {
  verified: "good",
  rejected: "bad",
  inconclusive: "unsure",
};

/** Who signed, when, what; every check; every difference. */
export function verificationText(named: NamedReport, style: PageStyle): string {
  const { report } = named;
  const signature = signatureName(named);
  const page = new Page(style);
  page.headline(report.verdict.toUpperCase(), TONES[report.verdict], sentence(named));
  if (report.verdict !== "verified") page.list("Reasons", reasonLines(report.issues));
  page.gap();
  page.field("Model", named.model);
  page.field("Signature", signature);
  if (named.pulled !== undefined) page.field("Pulled to", named.pulled);
  const signer = report.verdict === "verified" ? report.identity : report.signedBy;
  if (signer) page.field("Signed by", identityLines(signer));
  if (signer) page.field("Signed at", timestampLines(report.timestamps));
  const { model } = report;
  if (model) {
    if (model.name !== undefined && model.name !== named.name) {
      page.field("Signed as", `${model.name} (here it is called ${named.name})`);
    }
    coverageFields(
      page,
      report.coverage,
      model.serialization,
      "in there, nothing but signed files was looked at",
    );
    if (model.rootDigest !== undefined) {
      const remark = report.files.length > 0 ? " (as signed)" : "";
      page.field("Root digest", `sha256:${model.rootDigest}${remark}`);
    }
  }
  page.table("Checks", report.checks.map(checkLine));
  differences(page, report.files);
  const others = (named.others ?? []).map(({ signature, issues }) => {
    const more = issues.length - SHOWN_OF_OTHERS;
    return [
      signature,
      ...issues.slice(0, SHOWN_OF_OTHERS).map(issueText),
      ...(more > 0 ? [`... and ${grouped(more)} more`] : []),
    ] as const;
  });
  if (others.length > 0) page.list("Other signatures, not accepted", others);
  return page.toString();
}

function sentence(named: NamedReport): string {
  const { report, model } = named;
  const name = `"${basename(model) || model}"`;
  if (bundleIssue(report)?.code === "SIGNATURE_MISSING") {
    return `${name}: nobody has signed it`;
  }
  const names = `${name} against "${signatureName(named)}"`;
  return report.verdict === "verified" ? names : `${names}: ${reason(report)}`;
}

/** What is wrong with the signature file. From the program's own check: a verifier's findings have any code. */
function bundleIssue({ checks }: Report): Issue | undefined {
  const check = checks.find(({ id }) => id === "bundle");
  return check?.status === "failed" ? check.issue : undefined;
}

function signatureName({ signature }: NamedReport): string {
  return signature === STANDARD_STREAM ? "standard input" : signature;
}

type Unverified = Exclude<Report, { verdict: "verified" }>;

/** The difference that matters most: whether the signature itself holds. */
function reason(report: Unverified): string {
  if (report.signedBy === undefined) {
    if (bundleIssue(report) !== undefined) {
      return "the signature file cannot be used";
    }
    return report.verdict === "rejected"
      ? "the signature is not accepted, so the files were not looked at"
      : "it could not be decided whether the signature holds";
  }
  if (report.files.length > 0) return "the signature holds, but the files differ";
  return report.verdict === "rejected"
    ? "the signature holds, but the model is not accepted"
    : "the signature holds, but not all of the model could be checked";
}

/** Each issue; a hint that many of them have is told once. */
function reasonLines(issues: readonly Issue[]): readonly (readonly [string, ...string[]])[] {
  const told = new Set<string | undefined>([undefined]);
  return issues.map((issue) => {
    const { hint } = issue;
    if (told.has(hint)) return [issueText(issue)];
    told.add(hint);
    return [issueText(issue), `hint: ${hint}`];
  });
}

function checkLine({ status, id, detail }: Check): Line {
  return [status.padEnd(8), `${id}: ${detail}`];
}

/** Each kind of difference with its first files. */
function differences(page: Page, files: readonly FileDiff[]): void {
  const titles = [["missing", "Missing"], ["modified", "Modified"], ["unsigned", "Not signed"]];
  for (const [kind, title] of titles) {
    const found = files.filter((diff) => diff.kind === kind);
    if (found.length > 0) page.list(`${title} (${grouped(found.length)})`, found.map(diffLines));
  }
}

function diffLines(diff: FileDiff): readonly [string, ...string[]] {
  return diff.kind === "modified"
    ? [diff.name, `expected ${diff.expected}`, `found    ${diff.actual}`]
    : [diff.name];
}
