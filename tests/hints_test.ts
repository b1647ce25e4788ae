/** Who may name options and commands of the program: who knows them, as CONTRIBUTING.md says. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { test } from "node:test";
import { ROOT } from "./support/project.ts";

/** Files of plugins that declare options and commands. */
const DECLARING = /^plugins\/.*(?:\/|_)(?:plugin|options|command)\.ts$/;

/** Other files that read settings, or are called by such files only. */
const KNOWING: readonly string[] = [
  // Options that several commands share, and what is read from them.
  "plugins/_keyfile/load.ts",
  "plugins/oci/ignore_paths.ts",
  "plugins/oci/manifest_file.ts",
  "plugins/oci/model_settings.ts",
  "plugins/oci/stored_models.ts",
  // What `attach` warns of.
  "plugins/oci/fit.ts",
  // From settings to a signer, and what it asks before.
  "plugins/sigstore/consent.ts",
  "plugins/sigstore/open_signer.ts",
];

/** Options of other programs, names that no option may have, and numbers that are counted down. */
const FOREIGN: readonly string[] = [
  "pkcs11-tool --write-object",
  "pkcs11-tool --module MODULE --list-token-slots",
  '"--audience"',
  "oidc request-token --audience",
  '"--help"',
  "--file.left",
  "--this.#",
];

/** Names of the command line in source text, comments aside. */
function namedIn(source: string): readonly string[] {
  const code = source.replace(/^\s*(?:\/\*[^]*?\*\/|\/\/.*$)/gm, "");
  const own = FOREIGN.reduce((left, foreign) => left.replaceAll(foreign, ""), code);
  return own.match(/(?<!\w)--[a-z][a-z-]*|model-signing [a-z]+/g) ?? [];
}

function sources(): readonly string[] {
  return ["core", "plugins"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file).split(sep).join("/"))
  );
}

test("the library names no option and no command", () => {
  const knowing = (file: string) => DECLARING.test(file) || KNOWING.includes(file);
  const wrong = sources().filter((file) => !knowing(file)).flatMap((file) =>
    namedIn(readFileSync(join(ROOT, file), "utf8")).map((name) => `${file}: ${name}`)
  );
  assert.deepEqual(wrong, []);
});

test("every file that may name options does", () => {
  for (const file of KNOWING) {
    assert.notDeepEqual(namedIn(readFileSync(join(ROOT, file), "utf8")), [], file);
  }
});

test("options and commands are found in texts, and not in comments", () => {
  for (const text of ['"add --force"', "'--deep reads'", "`pick ${one}\n with --platform`"]) {
    assert.equal(namedIn(`throw fault(${text});`).length, 1, text);
  }
  assert.deepEqual(namedIn('hint: "run `model-signing trust update`"'), ["model-signing trust"]);
  assert.deepEqual(namedIn("/** What `--deep` says. */\n  // --deep\nlet a = b--c;"), []);
  assert.deepEqual(namedIn('hint: "pkcs11-tool --write-object"'), []);
});
