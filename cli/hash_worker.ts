/** The worker module of the compiled binary: a second entry point of its build. */

import "../plugins/hash/worker.ts";
