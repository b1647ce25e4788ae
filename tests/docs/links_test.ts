/** What documents point at is there: links, tasks. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/project.ts";
import { documents } from "./documents.ts";

const DOCUMENTS = new Map(documents().map(({ path, text }) => [path, text]));

/** The anchors of a document, as GitHub makes them. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = text.replace(/^ *```[\s\S]*?^ *```$/gm, "").matchAll(/^#+ (.+)$/gm);
  return new Set(
    [...headings].map(([, heading = ""]) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")
    ),
  );
}

/** What is wrong with a link of a document, or undefined. */
function problemOf(from: string, link: string): string | undefined {
  const [file = "", anchor] = link.split("#");
  const path = file === "" ? from : join(dirname(from), file);
  if (!existsSync(join(ROOT, path))) return `${from}: ${link}: there is no ${path}`;
  const text = DOCUMENTS.get(path);
  return anchor === undefined || text === undefined || anchorsOf(text).has(anchor)
    ? undefined
    : `${from}: ${link}: ${path} has no such heading`;
}

test("links in documents lead to files and headings that are there", () => {
  const problems = [...DOCUMENTS].flatMap(([path, text]) =>
    [...text.replace(/^ *```[\s\S]*?^ *```$/gm, "").matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, link = ""]) => link)
      .filter((link) => !/^[a-z]+:/.test(link))
      .flatMap((link) => problemOf(path, link) ?? [])
  );
  assert.deepEqual(problems, []);
});

test("tasks that documents name are in deno.json", () => {
  const { tasks } = JSON.parse(readFileSync(join(ROOT, "deno.json"), "utf8"));
  const problems = [...DOCUMENTS].flatMap(([path, text]) =>
    [...text.matchAll(/\bdeno(?:@[\d.]+)? task (?:--cwd \S+ )?([a-z][\w:-]*)/g)]
      .filter(([, name = ""]) => !(name in tasks))
      .map(([command]) => `${path}: ${command}`)
  );
  assert.deepEqual(problems, []);
});

test("docs/README.md lists every document", () => {
  const index = DOCUMENTS.get("docs/README.md")!;
  const missing = [...DOCUMENTS.keys()].filter((path) =>
    path.startsWith("docs/") && path !== "docs/README.md" &&
    !index.includes(`](${path.slice("docs/".length)}`)
  );
  assert.deepEqual(missing, []);
});
