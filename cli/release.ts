/**
 * Builds a release into `dist/release`, and signs the folder with a key:
 * `deno task release --key FILE [--password-file FILE] [--out FOLDER] [--only PLATFORM]…`.
 *
 * An encrypted key's password is asked for, or taken from `MODEL_SIGNING_PASSWORD` or `--password-file`. The time in the
 * bill of materials is `SOURCE_DATE_EPOCH`, if that is set.
 */

import { spawnSync } from "node:child_process";
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { platformNamed, PLATFORMS } from "./build/platforms.ts";
import { ROOT } from "./build/project.ts";
import { buildRelease, CHECKSUMS, SIGNATURE } from "./build/release.ts";

const { values } = parseArgs({
  // `deno task release -- --key FILE` hands the dashes on.
  args: process.argv.slice(2).filter((argument) => argument !== "--"),
  options: {
    key: { type: "string" },
    "password-file": { type: "string" },
    out: { type: "string", default: join(ROOT, "dist", "release") },
    only: { type: "string", multiple: true, default: [] },
  },
});
if (values.key === undefined) throw new Error("a release is signed: name a private key with --key");
const key = resolve(values.key);
// It is needed at the end only, minutes later.
accessSync(key, constants.R_OK);
const only = [...new Set(values.only)];
const platforms = only.length > 0 ? only.map(platformNamed) : PLATFORMS;
const time = sourceTime(process.env["SOURCE_DATE_EPOCH"]);
const out = resolve(values.out);
refuseForeignFolder(out);

mkdirSync(dirname(out), { recursive: true });
const work = mkdtempSync(join(dirname(out), ".release-"));
try {
  // The folder's name is signed, so it already has the one that it will have.
  const folder = join(work, basename(out));
  mkdirSync(folder);
  buildRelease(folder, {
    platforms,
    tell: (line) => console.error(line),
    ...(time === undefined ? {} : { time }),
  });
  sign(folder);
  rmSync(out, { recursive: true, force: true });
  renameSync(folder, out);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(out);

/** Signs with this very program, from its source: none of the binaries need run on this machine. */
function sign(folder: string): void {
  const runtime = "bun" in process.versions ? [] : ["run", "-A"];
  const password = values["password-file"];
  const args = [
    ...[...runtime, join(ROOT, "cli", "main.ts"), "sign", "key", folder, "--private-key", key],
    ...["--signature", join(folder, SIGNATURE), "--log-level", "error"],
    ...(password === undefined ? [] : ["--password-file", resolve(password)]),
  ];
  const { status, error } = spawnSync(process.execPath, args, { stdio: "inherit" });
  if (error) throw error;
  if (status !== 0) throw new Error(`cannot sign the release: status ${status}`);
}

/** The folder is replaced: it must be an earlier release, or not be there. */
function refuseForeignFolder(folder: string): void {
  if (!existsSync(folder)) return;
  const foreign = readdirSync(folder).find((name) =>
    name !== CHECKSUMS && !name.startsWith("model-signing-")
  );
  if (foreign === undefined) return;
  throw new Error(`cannot replace "${folder}": "${foreign}" in it is not from a release`);
}

function sourceTime(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[0-9]{1,11}$/.test(text)) {
    throw new Error(`SOURCE_DATE_EPOCH is "${text}", not a number of seconds`);
  }
  return Number(text);
}
