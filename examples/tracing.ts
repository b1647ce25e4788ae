/** Following a run with a tracer of one's own: each step as a line, indented below the step it is a part of. */

import { generateKeyPairSync } from "node:crypto";
import {
  fileSystemSource,
  hasherFactory,
  keySigner,
  type Observer,
  signModel,
  traced,
} from "../mod.ts";
import { sampleModel } from "./sample_model.ts";

/** Writes each step when it begins, and what is known of it when it ends. */
class Steps implements Observer {
  readonly #depths = new Map<number, number>();

  emit(event: Parameters<Observer["emit"]>[0]): void {
    if (event.kind === "span-start") {
      const depth = event.parent === undefined ? 0 : this.#depths.get(event.parent)! + 1;
      this.#depths.set(event.span, depth);
      console.log(`${"  ".repeat(depth)}${event.name}`);
    } else if (event.kind === "span-end") {
      const indent = "  ".repeat(this.#depths.get(event.span)!);
      // `event.details` would say whose and which: names, paths, identities, hosts.
      console.log(`${indent}${event.name}: ${event.error ?? JSON.stringify(event.attributes)}`);
    }
  }
}

await using model = await sampleModel();
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
const source = await fileSystemSource(model.path);
const observer = new Steps();

// A step of the program's own around those of the library: `inside` holds its span.
await traced({ observer }, "publish.model", async (inside) => {
  await signModel({ source, hasher: hasherFactory(), signer: keySigner({ privateKey }) }, inside);
});
