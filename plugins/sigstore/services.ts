/** Choosing the services that a signature is made with. */

import { ModelSigningError } from "../../core/errors.ts";
import { counted, excerpt, quote } from "../../core/text.ts";
import { isoTime } from "../_x509/mod.ts";
import type { Selector, Service, ServiceGroup, SigningConfig } from "./signing_config.ts";

/** What one signature is made with. */
export type ChosenServices = {
  readonly certificateAuthority: Service;
  /** Where people prove who they are; absent when the signing config names none. */
  readonly oidc: Service | undefined;
  /** At least one, each of another operator. */
  readonly logs: readonly Service[];
  /** Each of another operator. */
  readonly timestampAuthorities: readonly Service[];
};

/** A kind of service: what messages call one and several, and which major versions of its API are spoken. */
type Kind = { readonly one: string; readonly many: string; readonly versions: readonly number[] };

const KINDS = {
  certificateAuthority: {
    one: "certificate authority",
    many: "certificate authorities",
    // Fulcio's paths say v2; the version that signing configs give is 1.
    versions: [1],
  },
  identityProvider: { one: "identity provider", many: "identity providers", versions: [1] },
  log: { one: "log", many: "logs", versions: [1, 2] },
  timestampAuthority: {
    one: "timestamp authority",
    many: "timestamp authorities",
    versions: [1],
  },
} as const satisfies Record<string, Kind>;

/** Services that a message lists one by one. */
const MAX_LISTED = 3;

/** Only a timestamp authority tells when an entry of this version or a later one was made. */
const FIRST_LOG_VERSION_WITHOUT_TIME = 2;

/**
 * Chooses by the rules of the SigningConfig message: services that are valid now and whose API is spoken; of
 * each operator the one with the newest API, among those the newest; then any one, all, or exactly so many.
 *
 * @throws {ModelSigningError} `SIGNING_CONFIG_UNUSABLE`
 */
export function chooseServices(config: SigningConfig, now: Date): ChosenServices {
  const any: Selector = { kind: "any" };
  function choose(kind: Kind, { services, selector }: ServiceGroup): readonly Service[] {
    return services.length === 0 ? [] : select(config, kind, services, selector, now);
  }
  const [certificateAuthority] = choose(KINDS.certificateAuthority, {
    services: config.certificateAuthorities,
    selector: any,
  });
  if (!certificateAuthority) throw namesNo(config, KINDS.certificateAuthority);
  const [oidc] = choose(KINDS.identityProvider, {
    services: config.identityProviders,
    selector: any,
  });
  const logs = choose(KINDS.log, config.logs);
  if (logs.length === 0) throw namesNo(config, KINDS.log);
  const timestampAuthorities = choose(KINDS.timestampAuthority, config.timestampAuthorities);
  const timeless = logs.find(({ majorApiVersion }) =>
    majorApiVersion >= FIRST_LOG_VERSION_WITHOUT_TIME
  );
  if (timeless && timestampAuthorities.length === 0) {
    throw unusable(
      config,
      `names no timestamp authority, and the log ${excerpt(timeless.url)} does not say when a ` +
        "signature was made",
    );
  }
  return { certificateAuthority, oidc, logs, timestampAuthorities };
}

function select(
  config: SigningConfig,
  kind: Kind,
  services: readonly Service[],
  selector: Selector,
  now: Date,
): readonly Service[] {
  const usable = onePerOperator(
    services.filter((service) => obstacle(service, kind, now) === undefined),
  );
  if (usable.length === 0) throw noneUsable(config, kind, services, now);
  switch (selector.kind) {
    case "any":
      return usable.slice(0, 1);
    case "all":
      return usable;
    case "exact":
      if (usable.length >= selector.count) return usable.slice(0, selector.count);
      throw unusable(
        config,
        `wants ${counted(selector.count, kind.one, kind.many)} of different operators, and ` +
          `${usable.length} can be used now`,
      );
  }
}

/** The best of each operator, best first; among equals the order of the message stays. */
function onePerOperator(services: readonly Service[]): readonly Service[] {
  const best = new Map<string, Service>();
  for (const service of services.toSorted(newestFirst)) {
    if (!best.has(service.operator)) best.set(service.operator, service);
  }
  return [...best.values()];
}

function newestFirst(left: Service, right: Service): number {
  return right.majorApiVersion - left.majorApiVersion || start(right) - start(left);
}

function start({ validFor }: Service): number {
  return validFor ? validFor.start.getTime() : 0;
}

/** Why a service cannot be used, as what follows its name; undefined when it can. */
function obstacle(
  { majorApiVersion, validFor }: Service,
  { versions }: Kind,
  now: Date,
): string | undefined {
  if (!versions.includes(majorApiVersion)) {
    return `speaks version ${majorApiVersion} of its API, expected ${versions.join(" or ")}`;
  }
  if (!validFor) return undefined;
  if (now < validFor.start) return `is not valid before ${isoTime(validFor.start)}`;
  if (validFor.end && now >= validFor.end) {
    return `has not been valid since ${isoTime(validFor.end)}`;
  }
  return undefined;
}

function noneUsable(
  config: SigningConfig,
  kind: Kind,
  services: readonly Service[],
  now: Date,
): ModelSigningError {
  const reasons = services.slice(0, MAX_LISTED).map((service) =>
    `${excerpt(service.url)} ${obstacle(service, kind, now)}`
  );
  const more = services.length - reasons.length;
  return unusable(
    config,
    `names no ${kind.one} that can be used at ${
      isoTime(now)
    }, which is what this machine's clock ` +
      `says: ${reasons.join(", ")}${more > 0 ? `, and ${more} more` : ""}`,
    "check this machine's clock, then renew the signing config: `trust update` does that, or whoever " +
      "runs the instance has one",
  );
}

function namesNo(config: SigningConfig, { one }: Kind): ModelSigningError {
  return unusable(config, `names no ${one}`);
}

function unusable(config: SigningConfig, found: string, hint?: string): ModelSigningError {
  return new ModelSigningError(
    "SIGNING_CONFIG_UNUSABLE",
    `cannot sign: the signing config of ${quote(config.name)} ${found}`,
    hint === undefined ? {} : { hint },
  );
}
