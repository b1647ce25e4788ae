/** `discover MODEL`: lists the signatures beside a model. */

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { ModelSigningError, systemCode, systemReason } from "../../core/errors.ts";
import { writeFileAtomically } from "../../core/files.ts";
import type { CommandIo, CommandProvider, Settings } from "../../core/plugin.ts";
import { textSetting } from "../../core/settings.ts";
import { jsonDocument, printable, quote } from "../../core/text.ts";
import { type Claims, claimsOf } from "./claims.ts";
import { openFromSettings } from "./model_settings.ts";
import { PLATFORM } from "./platform.ts";
import { REGISTRY_OPTIONS } from "./registry_options.ts";

/** What is said of one signature. */
type Found =
  & { readonly reference: string; readonly file?: string }
  & (Claims | { readonly problem: string });

/** Provides `discover`. */
export const discoverCommand: CommandProvider = {
  kind: "command",
  id: "discover",
  summary: "List the signatures beside a model in a registry, without verifying them",
  operand: {
    metavar: "MODEL",
    description: "The model: oci://HOST/NAME:TAG, or oci-layout:PATH",
  },
  options: [
    {
      name: "format",
      type: "string",
      metavar: "FORMAT",
      choices: ["text", "json"],
      description: "Format of the result: text (the default) or json",
    },
    {
      name: "output",
      type: "directory",
      metavar: "FOLDER",
      description: "Also write each signature to a file in this folder",
    },
    PLATFORM,
    ...REGISTRY_OPTIONS,
  ],
  examples: [
    "model-signing discover oci://registry.example.com/models/bert:v1",
    "model-signing discover oci-layout:models/bert --format json --output signatures",
  ],
  run: discover,
};

async function discover(settings: Settings, io: CommandIo): Promise<0> {
  const { signatures, pinned } = await openFromSettings(io.operand ?? "", settings, io);
  const folder = textSetting(settings, "output");
  if (folder !== undefined) await makeFolder(folder);
  const found: Found[] = [];
  for await (const { reference, bundle, bytes } of signatures.discover(io)) {
    const written = folder !== undefined && bytes !== undefined
      ? { file: await write(folder, reference, bytes) }
      : {};
    const claims = bundle.ok ? claimsOf(bundle.value) : { problem: bundle.issue.message };
    found.push({ reference, ...written, ...claims });
  }
  io.stdout(textSetting(settings, "format") === "json" ? json(pinned, found) : page(pinned, found));
  return 0;
}

function json(model: string, signatures: readonly Found[]): string {
  return jsonDocument({ schemaVersion: 1, model, signatures });
}

function page(model: string, found: readonly Found[]): string {
  const title = found.length === 0
    ? "There is no signature beside"
    : "What signatures claim, not verified, beside";
  return [
    `${title} ${printable(model)}`,
    ...found.flatMap((each) => [
      "",
      each.reference,
      ...lines(each).map(([label, text]) => `  ${label.padEnd(9)}  ${printable(text)}`),
    ]),
    "",
  ].join("\n");
}

function lines(found: Found): readonly (readonly [label: string, text: string])[] {
  const file = found.file === undefined ? [] : [["File", found.file] as const];
  if ("problem" in found) return [["Unusable", found.problem], ...file];
  return [
    ["Method", found.method],
    ["Signer", found.signer],
    ["Predicate", found.predicateType],
    ...file,
  ];
}

/** The name is a digest, whose colon Windows does not take. */
async function write(folder: string, reference: string, bytes: Uint8Array): Promise<string> {
  const path = join(folder, `${reference.replace(":", "-")}.sigstore.json`);
  await writeFileAtomically(path, bytes);
  return path;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
  } catch (cause) {
    const reason = systemCode(cause) === "EEXIST"
      ? "it is a file, expected a folder or nothing"
      : systemReason(cause);
    throw new ModelSigningError(
      "FILE_UNWRITABLE",
      `cannot make folder ${quote(path)}: ${reason}`,
      { cause },
    );
  }
}
