/** What tests of signing share: services of a loopback instance, tokens for it, and what can go wrong on the way. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { inspect } from "node:util";
import { type ErrorCode, ModelSigningError } from "../../../core/errors.ts";
import { parseJson } from "../../../core/json.ts";
import type { RunOptions } from "../../../core/options.ts";
import { Secret } from "../../../core/secret.ts";
import { type IdentityToken, parseIdentityToken } from "../../../plugins/sigstore/oidc/mod.ts";
import { chooseServices, type ChosenServices } from "../../../plugins/sigstore/services.ts";
import { parseSigningConfig } from "../../../plugins/sigstore/signing_config.ts";
import type { FaultSpec, Sigstore, TokenClaims } from "../../support/sigstore.ts";

/** The services that an instance's signing config leads to, with a log of either version. */
export function servicesOf(sigstore: Sigstore, rekor: 1 | 2): ChosenServices {
  const path = rekor === 1 ? sigstore.signingConfig : sigstore.signingConfigV2;
  return chooseServices(parseSigningConfig(parseJson(readFileSync(path)), path), new Date());
}

/** A token of the instance's issuer. */
export async function identityToken(
  sigstore: Sigstore,
  claims?: TokenClaims,
): Promise<IdentityToken> {
  return parseIdentityToken(new Secret(await sigstore.token(claims)), "sigstore");
}

/** The fault that a run ends with. */
export async function faultOf(run: Promise<unknown>): Promise<ModelSigningError> {
  const error = await run.then(() => undefined, (error: unknown) => error);
  assert.ok(error instanceof ModelSigningError, `no fault, but ${inspect(error)}`);
  return error;
}

/** Everything that can be seen of an error. */
export function shown(error: unknown): string {
  const { stack, cause } = error as Error;
  return [
    inspect(error, { depth: Infinity, showHidden: true, getters: true }),
    JSON.stringify(error, Object.getOwnPropertyNames(error)),
    stack,
    cause === undefined ? "" : shown(cause),
  ].join("\n");
}

type Trouble = {
  readonly fault: Omit<FaultSpec, "service">;
  readonly options?: RunOptions;
  readonly code: ErrorCode;
  /** Requests that arrive, where all runtimes agree. */
  readonly requests?: number;
};

/** What may happen to any request, and how it ends. */
const TROUBLES: readonly Trouble[] = [
  { fault: { kind: "status", status: 400, body: "no" }, code: "NETWORK_STATUS", requests: 1 },
  { fault: { kind: "status", status: 404 }, code: "NETWORK_STATUS", requests: 1 },
  { fault: { kind: "status", status: 500 }, code: "NETWORK_STATUS", requests: 3 },
  {
    fault: { kind: "status", status: 307, headers: { location: "/elsewhere" } },
    code: "NETWORK_STATUS",
    requests: 1,
  },
  {
    fault: { kind: "status", status: 303, headers: { location: "/elsewhere" } },
    code: "NETWORK_STATUS",
    requests: 1,
  },
  { fault: { kind: "garbage" }, code: "NETWORK_RESPONSE", requests: 1 },
  { fault: { kind: "garbage", body: "" }, code: "NETWORK_RESPONSE", requests: 1 },
  { fault: { kind: "garbage", body: "[]" }, code: "NETWORK_RESPONSE", requests: 1 },
  { fault: { kind: "garbage", body: "{}" }, code: "NETWORK_RESPONSE", requests: 1 },
  { fault: { kind: "huge" }, code: "NETWORK_RESPONSE", requests: 1 },
  { fault: { kind: "hang" }, options: { timeout: 200 }, code: "NETWORK_TIMEOUT", requests: 1 },
  { fault: { kind: "slow" }, options: { timeout: 400 }, code: "NETWORK_TIMEOUT", requests: 1 },
  { fault: { kind: "close" }, code: "NETWORK_UNREACHABLE" },
];

/** Asserts how requests to a service end when it fails, and that nobody else is asked. */
export async function assertTroubles(
  sigstore: Sigstore,
  service: FaultSpec["service"],
  run: (options: RunOptions) => Promise<unknown>,
): Promise<void> {
  for (const { fault, options = {}, code, requests } of TROUBLES) {
    await sigstore.reset();
    await sigstore.fault({ service, ...fault });
    const what = JSON.stringify(fault);
    assert.equal((await faultOf(run(options))).code, code, what);
    const seen = await sigstore.requests();
    assert.ok(seen.every((request) => request.service === service), what);
    if (requests !== undefined) assert.equal(seen.length, requests, what);
  }
}

/** Asserts that a service which fails once, and would do better later, is asked again. */
export async function assertAskedAgain(
  sigstore: Sigstore,
  service: FaultSpec["service"],
  run: () => Promise<unknown>,
): Promise<void> {
  for (
    const fault of [
      { kind: "status", status: 503 },
      { kind: "status", status: 429, headers: { "retry-after": "0" } },
      { kind: "close" },
    ]
  ) {
    await sigstore.reset();
    await sigstore.fault({ service, count: 1, ...fault });
    await run();
    assert.equal((await sigstore.requests()).length, 2, JSON.stringify(fault));
  }
}

/** Asserts that a request under way ends with `ABORTED` when its signal fires. */
export async function assertAborts(
  sigstore: Sigstore,
  service: FaultSpec["service"],
  run: (options: RunOptions) => Promise<unknown>,
): Promise<void> {
  await sigstore.reset();
  await sigstore.fault({ service, kind: "hang" });
  const abort = new AbortController();
  const running = faultOf(run({ signal: abort.signal }));
  while ((await sigstore.requests()).length === 0);
  abort.abort();
  assert.equal((await running).code, "ABORTED");
}
