/** docs/errors.md has every code, and no other. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { UNDECIDED } from "../../core/errors.ts";

function read(path: string): string {
  return readFileSync(fileURLToPath(new URL(`../../${path}`, import.meta.url)), "utf8");
}

/** The members of a union of literals in core/errors.ts; types leave nothing behind to ask at run time. */
function union(name: string): readonly string[] {
  const [, body = ""] = new RegExp(`export type ${name} =([^;]+);`).exec(read("core/errors.ts"))!;
  return [...body.matchAll(/\| "([A-Z0-9_]+)"/g)].map(([, code = ""]) => code).sort();
}

/** Codes in the first column of the tables below a heading, with the rest of their rows. */
function rows(heading: string): ReadonlyMap<string, string> {
  const [, section = ""] = read("docs/errors.md").split(`\n## ${heading}\n`);
  const found = section.split("\n## ")[0]!.matchAll(/^\| `([A-Z0-9_]+)` *\|(.*)\|$/gm);
  return new Map([...found].map(([, code = "", rest = ""]) => [code, rest]));
}

test("docs/errors.md has every finding and every error, and no other", () => {
  for (const [heading, type] of [["Findings", "IssueCode"], ["Errors", "ErrorCode"]] as const) {
    const codes = union(type);
    assert.ok(codes.length > 50);
    assert.deepEqual([...rows(heading).keys()].sort(), codes);
  }
});

test("docs/errors.md marks the findings that decide nothing", () => {
  const marked = [...rows("Findings")].filter(([, rest]) => rest.includes("(inconclusive)"));
  assert.deepEqual(marked.map(([code]) => code).sort(), [...UNDECIDED].sort());
});
