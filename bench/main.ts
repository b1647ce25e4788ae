/**
 * How fast the binary is, beside peers that do the same work in the same run.
 *
 *     bench/main.ts [--binary FILE] [--only hash|sigstore|oci] [--pairs N] [--quick] [--million]
 *
 * `--quick` takes a sixteenth of the data for hashing and for registries, where start-up weighs so much that targets
 * are not judged. `--million` adds a model of a million files. Data goes to the temporary directory and needs 12 GiB.
 * Exits with 1 when a target is missed.
 */

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { benchHash } from "./hash.ts";
import { benchOci } from "./oci.ts";
import { benchSigstore } from "./sigstore.ts";
import { Table } from "./table.ts";

const { values: options } = parseArgs({
  options: {
    binary: { type: "string", default: "dist/model-signing" },
    only: { type: "string" },
    pairs: { type: "string", default: "5" },
    quick: { type: "boolean", default: false },
    million: { type: "boolean", default: false },
  },
});
const { binary, only, quick, million } = options;
const pairs = Number(options.pairs);
const directory = mkdtempSync(join(tmpdir(), "model-signing-bench-"));
const table = new Table(!quick);

try {
  if (!existsSync(binary)) throw new Error(`no binary at ${binary}: run "deno task compile"`);
  const cores = availableParallelism();
  console.log(`${cpus()[0]?.model ?? "unknown processor"}, ${cores} cores, ${pairs} pairs each`);
  if (quick) {
    console.log("quick: a sixteenth of the data; the targets are for all of it and are not judged");
  }
  console.log();
  table.head();
  const wanted = (name: string) => only === undefined || only === name;
  if (wanted("hash")) benchHash(table, { binary, directory, pairs, quick, million });
  if (wanted("sigstore")) await benchSigstore(table, { binary, directory });
  if (wanted("oci")) await benchOci(table, { binary, directory, pairs, quick });
} finally {
  rmSync(directory, { recursive: true });
}
if (table.missed > 0) {
  console.log(`\n${table.missed} target${table.missed === 1 ? "" : "s"} missed`);
  process.exitCode = 1;
}
