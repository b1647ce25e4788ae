/**
 * A hub that keeps its files' digests in a database: signing and comparing a model by these, without reading a byte
 * of it. The source is the hub's own.
 */

import { generateKeyPairSync } from "node:crypto";
import {
  type Entry,
  type EnumerationRules,
  hasherFactory,
  keySigner,
  keyVerifier,
  type ManifestSource,
  parseBundle,
  pathProblem,
  type RunOptions,
  signModel,
  throwIfAborted,
  verifyModel,
} from "../mod.ts";

/** A row of the database: bytes, and SHA-256 as lowercase hex. */
type Row = { readonly path: string; readonly size: number; readonly sha256: string };

/** A model as the database has it. */
class CatalogSource implements ManifestSource {
  readonly singleFile = false;
  readonly ignorePaths = [];
  /** Nobody works in this folder with git: what is there belongs to the model. */
  readonly ignoreGitPaths = false;
  readonly name: string;
  readonly #rows: readonly Row[];

  constructor(name: string, rows: readonly Row[]) {
    this.name = name;
    this.#rows = rows;
  }

  /** Each row that the rules leave in; what they exclude is named once, at the top. */
  async *entries({ filter }: EnumerationRules, { signal }: RunOptions): AsyncGenerator<Entry> {
    const ignored = new Set<string>();
    for (const { path, size, sha256 } of this.#rows) {
      throwIfAborted(signal);
      const left = filter.leftOut(path);
      if (left !== undefined) {
        if (filter.names(left) && !ignored.has(left)) yield { kind: "ignored", path: left };
        ignored.add(left);
        continue;
      }
      const problem = pathProblem(path);
      if (problem === undefined) {
        yield { kind: "digest", path, size, algorithm: "sha256", digest: sha256 };
      } else {
        const message = `the name ${problem}`;
        yield { kind: "refused", path, issue: { code: "ENTRY_NAME", message, path } };
      }
    }
  }
}

const rows: readonly Row[] = [
  { path: "config.json", size: 3, sha256: "c0ffee00".repeat(8) },
  { path: "weights/part-1.bin", size: 5_000_000_000, sha256: "5eed0001".repeat(8) },
];
const { privateKey, publicKey } = generateKeyPairSync("ed25519");
const hasher = hasherFactory({ jobs: 1 });
const verifier = keyVerifier({ publicKeys: [publicKey] });

const source = new CatalogSource("acme/tiny", rows);
const { bytes, coverage } = await signModel({ source, hasher, signer: keySigner({ privateKey }) });
console.log(`signed ${coverage.files} files, ${coverage.stated} of them by stated digests`);

const moved = rows.map((row) => ({ ...row, path: row.path.replace("part-1", "part-2") }));
for (const found of [source, new CatalogSource("acme/tiny", moved)]) {
  const report = await verifyModel({ bundle: parseBundle(bytes), source: found, hasher, verifier });
  console.log(report.verdict, report.files.map(({ kind, name }) => `${kind}: ${name}`).join(", "));
}
