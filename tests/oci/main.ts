/**
 * Runs the test registry. The first line on stdout is JSON (`Started`); it ends when its standard input does. With
 * `--by-hand` it has a model to try things with, prints how to use it, and ends with Ctrl-C.
 */

import { Buffer } from "node:buffer";
import process from "node:process";
import { parseArgs } from "node:util";
import { manifestOf, type TestLayer } from "../support/oci_manifests.ts";
import { pushModel } from "../support/oci_push.ts";
import { TestRegistry } from "./server.ts";

const { values } = parseArgs({ options: { "by-hand": { type: "boolean", default: false } } });

/** What `oras push` makes of `config.json:application/json weights/model.safetensors:application/octet-stream`. */
const LAYERS: readonly TestLayer[] = [
  { content: '{"model_type": "tiny"}\n', title: "config.json", mediaType: "application/json" },
  { content: Buffer.alloc(3_000_000), title: "weights/model.safetensors" },
];

const { started } = await TestRegistry.start();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0));
if (values["by-hand"]) {
  const { host } = new URL(started.url);
  await pushTiny(host);
  console.log(instructions(`oci://${host}/models/tiny:v1`));
} else {
  console.log(JSON.stringify(started));
  // Whoever started it is gone when this ends.
  process.stdin.on("end", () => process.exit(0)).resume();
}

async function pushTiny(host: string): Promise<void> {
  const manifest = manifestOf(LAYERS, "{}");
  manifest.artifactType = "application/vnd.unknown.artifact.v1";
  manifest.config.mediaType = "application/vnd.oci.empty.v1+json";
  await pushModel(host, { repository: "models/tiny", layers: LAYERS, config: "{}", manifest });
}

function instructions(model: string): string {
  return `A registry of your own runs until you press Ctrl-C, with a small model in it:

  ${model}

Sign it, and verify it:

  model-signing sign key ${model} --private-key key.pem
  model-signing verify key ${model} --public-key key.pub
`;
}
