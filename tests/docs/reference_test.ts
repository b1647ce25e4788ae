/** docs/reference.md says what the parser takes, and what else the program reads. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ROOT } from "../support/project.ts";
import { REFERENCE, referencePage, unformatted } from "./reference.ts";

const PAGE = readFileSync(REFERENCE, "utf8");

test("docs/reference.md is what `deno task reference` writes", () => {
  const expected = referencePage(PAGE);
  assert.notEqual(expected.indexOf("## sign key"), -1);
  assert.ok(unformatted(PAGE) === unformatted(expected), "run `deno task reference`");
});

test("docs/reference.md names every variable that the program reads", () => {
  // What makes the program is no part of it.
  const files = ["core", "plugins", "cli"].flatMap((folder) =>
    readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts") && !/^(?:build|compile|release)\b/.test(name))
      .map((name) => `${ROOT}/${folder}/${name}`)
  );
  const variable =
    /\b(?:env|environment)(?:\["([A-Z][A-Z0-9_]+|SystemRoot)"\]|\.([A-Z][A-Z0-9_]+))|\bfolder\("([A-Z_]+)"|\{ ([A-Z][\w:, ]*) \} = env/g;
  const names = files.flatMap((file) =>
    [...readFileSync(file, "utf8").matchAll(variable)].flatMap(([, a, b, c, several = ""]) => [
      ...[a, b, c].filter((name) => name !== undefined),
      ...(several.match(/[A-Z][A-Z0-9_]+/g) ?? []),
    ])
  );
  assert.ok(names.includes("REGISTRY_AUTH_FILE") && names.includes("PKCS11_PIN"));
  const missing = names.filter((name) => !PAGE.includes(`\`${name}`));
  assert.deepEqual([...new Set(missing)], []);
});
