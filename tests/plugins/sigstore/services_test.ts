import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../../core/errors.ts";
import { chooseServices, type ChosenServices } from "../../../plugins/sigstore/services.ts";
import type { Selector, Service, SigningConfig } from "../../../plugins/sigstore/signing_config.ts";

const NOW = new Date("2026-06-01T00:00:00Z");

/** `name` stands in the address, which is how the cases say what was chosen. */
function service(
  name: string,
  { operator = "one", version = 1, start = "2025-01-01", end }: {
    readonly operator?: string;
    readonly version?: number;
    readonly start?: string;
    readonly end?: string;
  } = {},
): Service {
  const validFor = end
    ? { start: new Date(start), end: new Date(end) }
    : { start: new Date(start) };
  return { url: `https://${name}.example`, majorApiVersion: version, validFor, operator };
}

const ANY: Selector = { kind: "any" };
const ALL: Selector = { kind: "all" };
const exact = (count: number): Selector => ({ kind: "exact", count });

function config(given: {
  readonly logs?: readonly Service[];
  readonly selector?: Selector;
  readonly certificateAuthorities?: readonly Service[];
  readonly identityProviders?: readonly Service[];
  readonly timestampAuthorities?: readonly Service[];
  readonly timestampSelector?: Selector;
} = {}): SigningConfig {
  const {
    logs = [service("log")],
    selector = ANY,
    certificateAuthorities = [service("ca")],
    identityProviders = [service("oidc")],
    timestampAuthorities = [service("tsa")],
    timestampSelector = ANY,
  } = given;
  return {
    name: "config.json",
    certificateAuthorities,
    identityProviders,
    logs: { services: logs, selector },
    timestampAuthorities: { services: timestampAuthorities, selector: timestampSelector },
  };
}

function names(services: readonly Service[]): string {
  return services.map(({ url }) => new URL(url).hostname.replace(".example", "")).join(" ");
}

function unusable(given: SigningConfig, now: Date = NOW): ModelSigningError {
  try {
    const { logs } = chooseServices(given, now);
    assert.fail(`chose the logs ${names(logs)}`);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, "SIGNING_CONFIG_UNUSABLE");
    return error;
  }
}

const OPERATORS = [
  service("a1", { operator: "a" }),
  service("b1", { operator: "b" }),
  service("c1", { operator: "c" }),
];

/** Logs, the selector, and what must be chosen, in order; `-` when nothing can be. */
const CASES: readonly (readonly [string, readonly Service[], Selector, string])[] = [
  ["one", [service("x")], ANY, "x"],
  ["any of three operators", OPERATORS, ANY, "a1"],
  ["all operators", OPERATORS, ALL, "a1 b1 c1"],
  ["two operators", OPERATORS, exact(2), "a1 b1"],
  ["three operators", OPERATORS, exact(3), "a1 b1 c1"],
  ["more operators than there are", OPERATORS, exact(4), "-"],
  ["two operators of one", [service("x"), service("y")], exact(2), "-"],
  ["one of an operator", [service("x"), service("y")], ALL, "x"],
  [
    "the newest version of an operator",
    [service("v1", { start: "2026-01-01" }), service("v2", { version: 2 })],
    ALL,
    "v2",
  ],
  [
    "the newest of an operator's services of one version",
    [
      service("old"),
      service("new", { start: "2026-02-01" }),
      service("mid", { start: "2025-06-01" }),
    ],
    ALL,
    "new",
  ],
  [
    "any: the newest version of all",
    [service("v1", { operator: "a" }), service("v2", { operator: "b", version: 2 })],
    ANY,
    "v2",
  ],
  [
    "a version that is not spoken",
    [service("v3", { version: 3 }), service("v0", { version: 0 }), service("v1")],
    ALL,
    "v1",
  ],
  ["only versions that are not spoken", [service("v3", { version: 3 })], ANY, "-"],
  [
    "not valid yet",
    [service("next", { version: 2, start: "2026-06-01T00:00:01Z" }), service("x")],
    ALL,
    "x",
  ],
  ["valid from this moment", [service("x", { start: "2026-06-01T00:00:00Z" })], ANY, "x"],
  ["valid until this moment", [service("x", { end: "2026-06-01T00:00:00Z" })], ANY, "-"],
  ["valid a moment longer", [service("x", { end: "2026-06-01T00:00:01Z" })], ANY, "x"],
  [
    "all over",
    [service("x", { end: "2026-01-01" }), service("y", { end: "2025-06-01" })],
    ALL,
    "-",
  ],
  [
    "an operator whose services are over does not count",
    [service("x", { operator: "a", end: "2026-01-01" }), service("y", { operator: "b" })],
    exact(2),
    "-",
  ],
  [
    "without periods",
    [{ url: "https://x.example", majorApiVersion: 1, operator: "" }],
    ANY,
    "x",
  ],
  ["none listed", [], ANY, "-"],
];

test("chooseServices() chooses logs by validity, version, operator and selector", () => {
  for (const [what, logs, selector, expected] of CASES) {
    const given = config({ logs, selector });
    if (expected === "-") unusable(given);
    else assert.equal(names(chooseServices(given, NOW).logs), expected, what);
  }
});

test("chooseServices() chooses timestamp authorities by their own selector", () => {
  const chosen = chooseServices(
    config({ timestampAuthorities: OPERATORS, timestampSelector: exact(2) }),
    NOW,
  );
  assert.equal(names(chosen.timestampAuthorities), "a1 b1");
  unusable(config({ timestampAuthorities: OPERATORS, timestampSelector: exact(4) }));
  unusable(config({ timestampAuthorities: [service("x", { version: 2 })] }));
});

test("chooseServices() chooses one certificate authority and one identity provider", () => {
  const several = [service("old"), service("new", { start: "2026-01-01", operator: "b" })];
  const chosen: ChosenServices = chooseServices(
    config({ certificateAuthorities: several, identityProviders: several }),
    NOW,
  );
  assert.equal(names([chosen.certificateAuthority]), "new");
  assert.equal(names([chosen.oidc!]), "new");
  unusable(config({ certificateAuthorities: [] }));
  unusable(config({ certificateAuthorities: [service("x", { version: 2 })] }));
  unusable(config({ identityProviders: [service("x", { end: "2026-01-01" })] }));
});

test("chooseServices() does without an identity provider when none is named", () => {
  assert.equal(chooseServices(config({ identityProviders: [] }), NOW).oidc, undefined);
});

test("chooseServices() refuses a log that keeps no time when there is no timestamp authority", () => {
  const second = service("v2", { operator: "b", version: 2 });
  unusable(config({ logs: [second], timestampAuthorities: [] }));
  unusable(config({ logs: [service("v1"), second], selector: ALL, timestampAuthorities: [] }));
  assert.deepEqual(
    chooseServices(config({ timestampAuthorities: [] }), NOW).timestampAuthorities,
    [],
  );
});

test("chooseServices() names the services and this machine's clock when none is valid", () => {
  const error = unusable(
    config({ logs: [service("early", { start: "2026-07-01" })] }),
    new Date("2026-06-01T12:00:00Z"),
  );
  for (const part of ["early.example", "2026-07-01T00:00:00Z", "2026-06-01T12:00:00Z"]) {
    assert.ok(error.message.includes(part), error.message);
  }
  assert.ok(error.hint);
});
