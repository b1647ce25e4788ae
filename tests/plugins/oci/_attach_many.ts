/** Attaches in a process of its own: `REFERENCE DIGEST SIZE NAME COUNT`. Prints the digests. */

import process from "node:process";
import type { OciDigest } from "../../../plugins/oci/digest.ts";
import { openStore } from "../../../plugins/oci/open_store.ts";
import { parseReference } from "../../../plugins/oci/reference.ts";
import { attachText, MANIFEST } from "./_model.ts";

const [reference, digest, size, name, count] = process.argv.slice(2) as [
  ...[string, OciDigest, string, string, string],
];
const store = openStore(parseReference(reference));
const subject = { mediaType: MANIFEST, digest, size: Number(size) };
for (let index = 0; index < Number(count); index++) {
  console.log((await attachText(store, subject, `${name} ${index}`)).digest);
}
