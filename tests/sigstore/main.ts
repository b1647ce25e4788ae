/**
 * Runs the loopback Sigstore. The first line on stdout is JSON (`Started`); it ends when its standard input
 * does. With `--by-hand` it prints how to use it and ends with Ctrl-C.
 *
 * `--port N` picks the port, `--identity EMAIL` says who logs in.
 */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { LoopbackSigstore, type Started } from "./server.ts";

const { values } = parseArgs({
  options: {
    port: { type: "string", default: "0" },
    identity: { type: "string", default: "dev@example.com" },
    "by-hand": { type: "boolean", default: false },
  },
});

const folder = mkdtempSync(join(tmpdir(), "loopback-sigstore-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
const { started } = await LoopbackSigstore.start(folder, Number(values.port), values.identity);
if (values["by-hand"]) {
  console.log(instructions(started));
} else {
  console.log(JSON.stringify(started));
  // Whoever started it is gone when this ends.
  process.stdin.on("end", () => process.exit(0)).resume();
}

function instructions({ url, folder, issuer, tuf }: Started): string {
  const config = join(folder, "trust_config.json");
  return `A Sigstore of your own runs at ${url} until you press Ctrl-C. Nothing leaves this machine.

Sign a model. A browser opens, and ${values.identity} is logged in without a question:

  model-signing sign MODEL --signature model.sig --trust-config ${config}

Verify it:

  model-signing verify MODEL --signature model.sig --trust-config ${config} \\
    --identity ${values.identity} --identity-provider ${issuer}

trust_config_v2.json in the same folder does the same with Rekor v2.

Fetch its trust as that of a mirror:

  model-signing trust update --tuf-url ${tuf} --tuf-root ${join(folder, "tuf_root.json")}
`;
}
