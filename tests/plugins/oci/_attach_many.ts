/** Attaches in a process of its own: `REFERENCE DIGEST SIZE NAME COUNT`. Prints the digests. */

import process from "node:process";
import { type OciDigest, openStore, parseReference } from "../../../plugins/oci/mod.ts";
import { attachText, MANIFEST } from "./_model.ts";

const [reference, digest, size, name, count] = process.argv.slice(2) as [
  ...[string, OciDigest, string, string, string],
];
const store = openStore(parseReference(reference));
const subject = { mediaType: MANIFEST, digest, size: Number(size) };
for (let index = 0; index < Number(count); index++) {
  console.log((await attachText(store, subject, `${name} ${index}`)).digest);
}
