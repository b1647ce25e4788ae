/** Variables by which the runtime would show secrets, or talk to anybody. */

import type process from "node:process";

/**
 * Variables of Bun, and the value that takes their effect away. It is assigned because Bun 1.4.5 does not notice when
 * the first one is deleted. Deno knows neither.
 */
const HARMLESS: Readonly<Record<string, string>> = {
  // `curl` prints each request with its headers and its body: identity tokens, passwords of registries.
  BUN_CONFIG_VERBOSE_FETCH: "false",
  // `0` accepts every TLS certificate, and a token would go to whoever answers.
  NODE_TLS_REJECT_UNAUTHORIZED: "1",
};

/** Makes the variables harmless where they are set. To be called before the first request. */
export function disarmRuntime(environment: typeof process.env): void {
  for (const [name, value] of Object.entries(HARMLESS)) {
    if (environment[name] !== undefined) environment[name] = value;
  }
}
