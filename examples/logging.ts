/** Replacing the logger and following the progress; a secret in a log line stays one. */

import { generateKeyPairSync } from "node:crypto";
import {
  combineObservers,
  fileSystemSource,
  hasherFactory,
  jsonLogger,
  keySigner,
  type Logger,
  loggingObserver,
  type Observer,
  Secret,
  signModel,
} from "../mod.ts";
import { sampleModel } from "./sample_model.ts";

const json = jsonLogger({ level: "debug", write: (line) => console.log(line.trimEnd()) });
const logger: Logger = {
  log: (level, message, fields) => json.log(level, message, { service: "registry", ...fields }),
};
const progress: Observer = {
  emit(event) {
    if (event.kind !== "progress") return;
    console.log(`${event.progress.filesDone} of ${event.progress.filesFound} files`);
  },
};

await using model = await sampleModel();
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-384" });
logger.log("info", "key opened", { password: new Secret("never shown") });
await signModel(
  {
    source: await fileSystemSource(model.path),
    hasher: hasherFactory(),
    signer: keySigner({ privateKey }),
  },
  { logger, observer: combineObservers(loggingObserver(logger), progress) },
);
