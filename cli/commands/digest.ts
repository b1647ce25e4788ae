/** `digest MODEL` */

import { hash, type HashedModel, printable, printableJson, rootDigest } from "../../core/mod.ts";
import type { ExitStatus, Invocation } from "../command.ts";
import { hashInput, openModel } from "../model.ts";

/** Hashes a model and prints its root digest, which a signature would hold. */
export async function digest(invocation: Invocation): Promise<ExitStatus> {
  const { settings, run, io } = invocation;
  const { source } = await openModel(invocation);
  const hashed = await hash(hashInput(invocation, source), run);
  const withFiles = settings["files"] === true;
  io.stdout.write(
    settings["format"] === "json" ? digestJson(hashed, withFiles) : digestText(hashed, withFiles),
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
  const json = JSON.stringify(
    {
      schemaVersion: 1,
      name,
      rootDigest: `sha256:${rootDigest(resources)}`,
      serialization,
      coverage,
      ...(withFiles ? { resources } : {}),
    },
    null,
    2,
  );
  return `${printableJson(json)}\n`;
}
