/** Shorthands for tests about certificates. */

import { readFileSync } from "node:fs";
import {
  type Certificate,
  findPath,
  type PathResult,
  PURPOSE,
  readCertificates,
} from "../../plugins/_x509/mod.ts";
import type { Issued } from "./pki.ts";

/** The first certificate in a PEM file. */
export function load(issued: Issued | string): Certificate {
  const path = typeof issued === "string" ? issued : issued.certificate;
  return readCertificates(readFileSync(path), path)[0]!;
}

/** A path for signing code, now. */
export async function pathFor(
  leaf: Issued,
  anchors: readonly Issued[],
  intermediates: readonly Issued[] = [],
  at: Date = new Date(),
): Promise<PathResult> {
  return await findPath(
    load(leaf),
    { anchors: anchors.map(load), intermediates: intermediates.map(load) },
    { at, purpose: PURPOSE.codeSigning },
  );
}

/** The code of what is wrong with a path, `ok` when nothing is. */
export function outcome(result: PathResult): string {
  if (!result.path) return result.issue.code;
  return result.outOfDate?.code ?? "ok";
}
