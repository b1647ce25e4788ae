/** Variables by which the runtime would show secrets, or hand them to others. */

import type process from "node:process";

type Environment = typeof process.env;

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

/**
 * Hosts that tokens are sent to or come from without TLS, because nobody is between. Both runtimes would ask a proxy
 * for them.
 */
const NEAR: readonly string[] = ["localhost", "127.0.0.1", "::1", "metadata.google.internal"];

/** Makes the variables harmless. To be called before the first request: Deno reads them then, and once. */
export function disarmRuntime(environment: Environment): void {
  for (const [name, value] of Object.entries(HARMLESS)) {
    if (environment[name] !== undefined) environment[name] = value;
  }
  const { NO_PROXY: upper, no_proxy: lower } = environment;
  const list = [upper, lower, ...NEAR].filter(Boolean).join(",");
  // The runtimes differ in which of the two they look at first.
  for (const name of ["NO_PROXY", "no_proxy"]) environment[name] = list;
}
