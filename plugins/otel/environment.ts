/** The variables of OpenTelemetry's specification that say where traces go. */

import { accessSync, constants, statSync } from "node:fs";
import type { SpanContext } from "@opentelemetry/api";
import { excerpt } from "../../core/text.ts";
import { parseTraceParent } from "./trace_parent.ts";

/** Variables by name. An empty one counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** How spans are encoded. */
export type Protocol = "http/protobuf" | "http/json";

/** Where the trace of a run goes, and as what. */
export type ExportSettings = {
  /** Print the spans on stderr. */
  readonly toConsole: boolean;
  /** Send them to a collector. */
  readonly collector?: {
    readonly url: string;
    readonly protocol: Protocol;
    /** ms */
    readonly timeout: number;
  };
  /** Of the resource; `service.name` is always there. */
  readonly resource: Readonly<Record<string, string>>;
  /** Whether spans carry paths, names, identities and hosts. */
  readonly details: boolean;
  /** The span of another program that the run is a part of. */
  readonly parent?: SpanContext;
};

/** Encodings of OTLP over HTTP, the default first. */
const PROTOCOLS: readonly Protocol[] = ["http/protobuf", "http/json"];

/**
 * What a collector may delay the end of a run by, in ms, also when it is allowed more: a second with what starting and ending
 * take. The exporter waits for 800 ms at least before it asks a second time, so one that is down is given up at once.
 */
const MAX_DELAY_MS = 750;

/** OTLP 1.x: the default of a collector's address, and the path of traces below it. */
const DEFAULT_ENDPOINT = "http://localhost:4318";
const TRACES_PATH = "v1/traces";

/** Variables that the SDK reads by itself, saying nothing about values that it does not know. */
const READ_BY_SDK: readonly (readonly [name: string, values: readonly string[]])[] = [
  ["OTEL_TRACES_SAMPLER", [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
  ]],
  ["OTEL_EXPORTER_OTLP_COMPRESSION", ["none", "gzip"]],
  ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", ["none", "gzip"]],
];

/**
 * Reads the variables. What cannot be used is told once, and counts as absent.
 *
 * Traces are exported when `OTEL_TRACES_EXPORTER` says so, or when it is absent and there is an endpoint: with nothing
 * set, nothing is sent to a default address. Headers, compression and certificates are read by the exporter itself, from the
 * variables of the process.
 *
 * @param warn takes a sentence without a value that may be a secret
 * @returns undefined when nothing is to be exported
 */
export function readEnvironment(
  environment: Environment,
  warn: (message: string) => void,
): ExportSettings | undefined {
  const variables = new Variables(environment, warn);
  if (variables.choice("OTEL_SDK_DISABLED", ["true", "false"], true) === "true") return undefined;
  const kinds = exporters(variables);
  const collector = kinds.has("otlp") ? collectorIn(variables) : undefined;
  const toConsole = kinds.has("console");
  if (collector === undefined && !toConsole) return undefined;

  for (const [name, values] of READ_BY_SDK) variables.choice(name, values);
  const parent = traceParent(variables);
  const details = variables.choice("MODEL_SIGNING_OTEL_DETAILS", ["1", "0", "true", "false"]);
  return {
    toConsole,
    ...(collector ? { collector } : {}),
    resource: resourceIn(variables),
    details: details === "1" || details === "true",
    ...(parent ? { parent } : {}),
  };
}

/** Variables, and what is said about those that cannot be used. */
class Variables {
  readonly #environment: Environment;
  readonly #warn: (message: string) => void;

  constructor(environment: Environment, warn: (message: string) => void) {
    this.#environment = environment;
    this.#warn = warn;
  }

  /** The value, or undefined when there is none. */
  get(name: string): string | undefined {
    const value = this.#environment[name]?.trim();
    return value === "" ? undefined : value;
  }

  /** The first of the variables that is set: the one for traces goes before the one for all signals. */
  first(names: readonly string[]): string | undefined {
    return names.find((name) => this.get(name) !== undefined);
  }

  /** One of several values; another one is told and counts as none. */
  choice<T extends string>(
    name: string,
    values: readonly T[],
    anyCase = false,
  ): T | undefined {
    const text = this.get(name);
    const found = values.find((value) => value === (anyCase ? text?.toLowerCase() : text));
    if (text !== undefined && found === undefined) {
      this.ignore(name, `is ${excerpt(text)}, expected ${values.join(" or ")}`);
    }
    return found;
  }

  /** Tells that a variable counts as absent. */
  ignore(name: string, problem: string): void {
    this.#warn(`${name} is ignored: it ${problem}`);
  }
}

/** `OTEL_TRACES_EXPORTER`: a list, and by default what an endpoint asks for. */
function exporters(variables: Variables): ReadonlySet<string> {
  const name = "OTEL_TRACES_EXPORTER";
  const text = variables.get(name);
  if (text === undefined) {
    return new Set(variables.first(ENDPOINTS) === undefined ? [] : ["otlp"]);
  }
  const kinds = text.split(",").map((kind) => kind.trim()).filter((kind) => kind !== "");
  const unknown = kinds.filter((kind) => !["otlp", "console", "none"].includes(kind));
  if (unknown.length > 0) {
    const found = unknown.map((kind) => excerpt(kind)).join(", ");
    variables.ignore(name, `names ${found}, expected otlp, console or none`);
  }
  return new Set(kinds.includes("none") ? [] : kinds);
}

const ENDPOINTS = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];

function collectorIn(variables: Variables): ExportSettings["collector"] {
  const url = endpoint(variables);
  if (url === undefined || !canReadFiles(variables)) return undefined;
  warnOfHeaders(variables);
  return { url, protocol: protocol(variables), timeout: timeout(variables) };
}

/** Undefined when what was given cannot be used: nobody asked for the default then. */
function endpoint(variables: Variables): string | undefined {
  const name = variables.first(ENDPOINTS);
  const text = name === undefined ? DEFAULT_ENDPOINT : variables.get(name)!;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "http:" && url?.protocol !== "https:") {
    // Not shown: it may hold credentials.
    variables.ignore(name!, "is no address with http:// or https://, so traces are not sent");
    return undefined;
  }
  // The one for traces is used as it is, the other one is a base.
  if (name !== ENDPOINTS[0]) url.pathname = url.pathname.replace(/\/?$/, `/${TRACES_PATH}`);
  return url.href;
}

function protocol(variables: Variables): Protocol {
  const name = variables.first([
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
  ]);
  const fallback: Protocol = "http/protobuf";
  if (name === undefined) return fallback;
  if (variables.get(name) === "grpc") {
    variables.ignore(name, `is grpc, which is not supported; ${fallback} is used`);
    return fallback;
  }
  return variables.choice(name, PROTOCOLS) ?? fallback;
}

function timeout(variables: Variables): number {
  const name = variables.first([
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
  ]);
  if (name === undefined) return MAX_DELAY_MS;
  const text = variables.get(name)!;
  if (/^[1-9][0-9]{0,9}$/.test(text)) return Math.min(Number(text), MAX_DELAY_MS);
  variables.ignore(name, `is ${excerpt(text)}, expected milliseconds`);
  return MAX_DELAY_MS;
}

/**
 * Whether the certificates and the key can be read. The exporter would do without them, so that other authorities count
 * than those that were named, and would wait for a FIFO for ever.
 */
function canReadFiles(variables: Variables): boolean {
  const names = ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"].map((what) =>
    variables.first([`OTEL_EXPORTER_OTLP_TRACES_${what}`, `OTEL_EXPORTER_OTLP_${what}`])
  );
  const bad = names.find((name) => name !== undefined && !isReadable(variables.get(name)!));
  if (bad !== undefined) variables.ignore(bad, "names no file to read, so traces are not sent");
  return bad === undefined;
}

function isReadable(path: string): boolean {
  try {
    accessSync(path, constants.R_OK);
    return statSync(path).isFile();
  } catch {
    // Whatever the reason is, it is told as one.
    return false;
  }
}

/** The exporter leaves out what it cannot read. Values are credentials more often than not. */
function warnOfHeaders(variables: Variables): void {
  for (const name of ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"]) {
    if (members(variables.get(name) ?? "") === undefined) {
      variables.ignore(name, "is not a list of KEY=VALUE, percent-encoded, in parts or as a whole");
    }
  }
}

function resourceIn(variables: Variables): Readonly<Record<string, string>> {
  const name = "OTEL_RESOURCE_ATTRIBUTES";
  const given = members(variables.get(name) ?? "");
  if (given === undefined) variables.ignore(name, "is not a list of KEY=VALUE, percent-encoded");
  const service = variables.get("OTEL_SERVICE_NAME");
  return {
    "service.name": "model-signing",
    ...given,
    ...(service === undefined ? {} : { "service.name": service }),
  };
}

/** `KEY=VALUE,KEY=VALUE`, percent-encoded; undefined when a member is not. */
function members(text: string): Readonly<Record<string, string>> | undefined {
  const found: [string, string][] = [];
  for (const member of text.split(",").map((each) => each.trim()).filter((each) => each !== "")) {
    const [, key, value] = /^([^=]+)=(.*)$/.exec(member) ?? [];
    if (key === undefined || value === undefined) return undefined;
    try {
      found.push([decodeURIComponent(key.trim()), decodeURIComponent(value.trim())]);
    } catch {
      // A lone percent sign.
      return undefined;
    }
  }
  return Object.fromEntries(found);
}

function traceParent(variables: Variables): SpanContext | undefined {
  const text = variables.get("TRACEPARENT");
  if (text === undefined) return undefined;
  const parent = parseTraceParent(text, variables.get("TRACESTATE"));
  if (parent === undefined) {
    variables.ignore("TRACEPARENT", `is ${excerpt(text)}, expected 00-TRACE-PARENT-FLAGS in hex`);
  }
  return parent;
}
