/** `digest MODEL` */

import {
  flagSetting,
  hash,
  type HashedModel,
  jsonDocument,
  printable,
  rootDigest,
  textSetting,
} from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { hashInput, openModel } from "../model.ts";

/** Hashes a model and prints its root digest, which a signature would hold. */
export async function digest(invocation: Invocation): Promise<ExitStatus> {
  const { settings, run, io } = invocation;
  const { source } = await openModel(invocation);
  const hashed = await hash(hashInput(invocation, source), run);
  const withFiles = flagSetting(settings, "files") ?? false;
  io.stdout.write(
    textSetting(settings, "format") === "json"
      ? digestJson(hashed, withFiles)
      : digestText(hashed, withFiles),
  );
  return 0;
}

function digestText({ manifest: { resources } }: HashedModel, withFiles: boolean): string {
  const root = `sha256:${rootDigest(resources)}\n`;
  if (!withFiles) return root;
  const lines = resources.map(({ name, digest, algorithm }) =>
    `${algorithm}:${digest}  ${printable(name)}\n`
  );
  return root + lines.join("");
}

function digestJson({ manifest, coverage }: HashedModel, withFiles: boolean): string {
  const { name, resources, serialization } = manifest;
  return jsonDocument({
    schemaVersion: 1,
    name,
    rootDigest: `sha256:${rootDigest(resources)}`,
    serialization,
    coverage,
    ...(withFiles ? { resources } : {}),
  });
}
