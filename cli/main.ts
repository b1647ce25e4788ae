/** The entry of the program. */

import { start } from "./start.ts";

await start({
  // In the compiled binary, too, the worker's module lies beside this one.
  workerUrl: new URL("./hash_worker.ts", import.meta.url),
});
