/** What `inspect` shows: claims, none of which was verified. */

import {
  type Bundle,
  counted,
  type Description,
  jsonDocument,
  type Parsed,
  type Statement,
} from "../../core/mod.ts";
import { serializationText } from "./coverage.ts";
import { signerLines } from "./description.ts";
import { issueText } from "./faults.ts";
import { certificateLines } from "./identity.ts";
import { Page, type PageStyle } from "./page.ts";

/** A signature file, read and described. */
export type Inspection = {
  readonly path: string;
  readonly bundle: Bundle;
  /** Undefined when no method knows the material. */
  readonly description: Description | undefined;
  readonly statement: Parsed<Statement>;
};

/** The claims for people; the first line says that nothing was verified. */
export function inspectionText(inspection: Inspection, style: PageStyle): string {
  const { path, bundle, description, statement } = inspection;
  const page = new Page(style);
  page.headline(
    "NOTHING WAS VERIFIED",
    "unsure",
    "this is what the signature claims; model-signing verify tells whether it is true",
  );
  page.gap();
  page.field("Signature", path);
  page.field("Method", description?.method ?? `unknown (${bundle.material.kind})`);
  if (description) {
    page.field("Signer", signerLines(description));
    for (const issuer of description.certificates.slice(1)) {
      page.field("Chain", certificateLines(issuer));
    }
  }
  page.field("Log entries", String(bundle.tlogEntries.length));
  page.field("Timestamps", String(bundle.timestamps.length));
  if (!statement.ok) {
    page.field("Statement", issueText(statement.issue), "bad");
    return page.toString();
  }
  const { manifest, rootDigest, form } = statement.value;
  if (manifest.name !== "") page.field("Model", manifest.name);
  page.field("Content", [
    counted(
      manifest.resources.length,
      manifest.serialization.method === "files" ? "file" : "shard",
    ),
    serializationText(manifest.serialization),
    ...(form === "digests" ? ["form of the tool 0.2.0"] : []),
  ]);
  page.field("Ignored", manifest.serialization.ignorePaths);
  if (rootDigest !== undefined) page.field("Root digest", `sha256:${rootDigest}`);
  page.list(
    "Signed",
    manifest.resources.map(({ name, digest, algorithm }) => [name, `${algorithm}:${digest}`]),
  );
  return page.toString();
}

/** The claims as one JSON object. */
export function inspectionJson({ path, bundle, description, statement }: Inspection): string {
  return jsonDocument({
    schemaVersion: 1,
    verified: false,
    signature: path,
    mediaType: bundle.mediaType,
    method: description?.method ?? null,
    material: bundle.material.kind,
    claims: (description?.fields ?? []).map(([label, value]) => ({ label, value })),
    certificates: description?.certificates ?? [],
    logEntries: bundle.tlogEntries.length,
    timestamps: bundle.timestamps.length,
    ...(statement.ok
      ? {
        statement: {
          form: statement.value.form,
          name: statement.value.manifest.name,
          ...(statement.value.rootDigest === undefined
            ? {}
            : { rootDigest: statement.value.rootDigest }),
          serialization: statement.value.manifest.serialization,
          resources: statement.value.manifest.resources,
        },
      }
      : { issue: statement.issue }),
  });
}
