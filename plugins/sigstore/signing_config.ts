/** Which services an instance of Sigstore signs with (Sigstore's SigningConfig message). */

import { type ErrorCode, ModelSigningError } from "../../core/errors.ts";
import type { Json, JsonObject } from "../../core/json.ts";
import { excerpt, quote } from "../../core/text.ts";
import { serviceUrl } from "../_http/mod.ts";
import {
  listOf,
  MemberError,
  numberOf,
  objectOf,
  objectsOf,
  type Period,
  periodOf,
  textOf,
} from "./members.ts";

/** One service. */
export type Service = {
  /** Base address, as the message writes it: an identity provider is known by exactly this text. */
  readonly url: string;
  readonly majorApiVersion: number;
  /** When it takes requests. Absent in messages of version 0.1, which know no such thing. */
  readonly validFor?: Period;
  /** Who runs it. Two services of one operator are no two witnesses. */
  readonly operator: string;
};

/** How many of the services that can be used are to be used: any one, one of every operator, or so many. */
export type Selector =
  | { readonly kind: "any" | "all" }
  | { readonly kind: "exact"; readonly count: number };

/** Services of one kind, of which several may be needed. */
export type ServiceGroup = {
  readonly services: readonly Service[];
  readonly selector: Selector;
};

/** Everything that a SigningConfig message holds. */
export type SigningConfig = {
  /** Names it in messages: its path, or the instance it belongs to. Not escaped. */
  readonly name: string;
  readonly certificateAuthorities: readonly Service[];
  readonly identityProviders: readonly Service[];
  readonly logs: ServiceGroup;
  readonly timestampAuthorities: ServiceGroup;
};

const MEDIA_TYPE = /^application\/vnd\.dev\.sigstore\.signingconfig\.v(0\.[12])\+json$/;

/** Services of one kind: Sigstore adds a log each half a year, and staging lists four. */
const MAX_SERVICES = 100;

/** Characters of an address. */
const MAX_URL_LENGTH = 2048;

const MALFORMED: ErrorCode = "SIGNING_CONFIG_MALFORMED";

/**
 * Reads a SigningConfig message, version 0.2 or 0.1.
 *
 * @param name names it in messages: its path
 * @throws {ModelSigningError} `SIGNING_CONFIG_MALFORMED`
 */
export function parseSigningConfig(json: Json, name: string): SigningConfig {
  try {
    const config = objectOf(json, "the signing config");
    const mediaType = textOf(config["mediaType"], "mediaType");
    switch (MEDIA_TYPE.exec(mediaType)?.[1]) {
      case "0.2":
        return version02(config, name);
      case "0.1":
        return version01(config, name);
      default:
        throw new MemberError(
          `its media type is ${excerpt(mediaType)}, expected a Sigstore signing config`,
        );
    }
  } catch (error) {
    if (!(error instanceof MemberError)) throw error;
    throw new ModelSigningError(
      MALFORMED,
      `cannot use the signing config of ${quote(name)}: ${error.message}`,
    );
  }
}

function version02(config: JsonObject, name: string): SigningConfig {
  function services(member: string): readonly Service[] {
    const items = limited(objectsOf(config[member], member), member);
    return items.map((item, index) => serviceOf(item, `${member}[${index}]`));
  }
  function group(member: string, selection: string): ServiceGroup {
    const found = services(member);
    return { services: found, selector: selectorOf(config[selection], selection, found.length) };
  }
  return {
    name,
    certificateAuthorities: services("caUrls"),
    identityProviders: services("oidcUrls"),
    logs: group("rekorTlogUrls", "rekorTlogConfig"),
    timestampAuthorities: group("tsaUrls", "tsaConfig"),
  };
}

/** Version 0.1 has addresses only: no versions, no periods, no operators, and nothing about how many. */
function version01(config: JsonObject, name: string): SigningConfig {
  function single(member: string): readonly Service[] {
    return config[member] === undefined ? [] : [addressed(config[member], member)];
  }
  function any(member: string): ServiceGroup {
    const items = limited(listOf(config[member], member), member);
    const services = items.map((item, index) => addressed(item, `${member}[${index}]`));
    return { services, selector: { kind: "any" } };
  }
  return {
    name,
    certificateAuthorities: single("caUrl"),
    identityProviders: single("oidcUrl"),
    logs: any("tlogUrls"),
    timestampAuthorities: any("tsaUrls"),
  };
}

function addressed(value: Json | undefined, where: string): Service {
  return { url: urlOf(value, where), majorApiVersion: 1, operator: "" };
}

function serviceOf(service: JsonObject, where: string): Service {
  const operator = service["operator"];
  return {
    url: urlOf(service["url"], `${where}.url`),
    majorApiVersion: numberOf(service["majorApiVersion"], `${where}.majorApiVersion`),
    validFor: periodOf(service["validFor"], `${where}.validFor`),
    // ProtoJSON leaves an empty text out. All without a name count as one operator.
    operator: operator === undefined ? "" : textOf(operator, `${where}.operator`),
  };
}

function urlOf(value: Json | undefined, where: string): string {
  const url = textOf(value, where);
  if (url.length > MAX_URL_LENGTH) throw new MemberError(`${where} is too long`);
  try {
    serviceUrl(url, "", where, MALFORMED);
  } catch (error) {
    if (!(error instanceof ModelSigningError)) throw error;
    throw new MemberError(error.message);
  }
  return url;
}

/** A selector may be missing only where there is nothing to select from. */
function selectorOf(value: Json | undefined, where: string, services: number): Selector {
  if (value === undefined && services === 0) return { kind: "any" };
  const config = objectOf(value, where);
  const selector = textOf(config["selector"], `${where}.selector`);
  switch (selector) {
    case "ANY":
      return { kind: "any" };
    case "ALL":
      return { kind: "all" };
    case "EXACT": {
      const count = numberOf(config["count"], `${where}.count`);
      if (count === 0) throw new MemberError(`${where}.count is 0, expected at least 1`);
      return { kind: "exact", count };
    }
    default:
      throw new MemberError(
        `${where}.selector is ${excerpt(selector)}, expected ANY, ALL or EXACT`,
      );
  }
}

function limited<T>(items: readonly T[], member: string): readonly T[] {
  if (items.length <= MAX_SERVICES) return items;
  throw new MemberError(`${member} has ${items.length} entries, more than ${MAX_SERVICES}`);
}
