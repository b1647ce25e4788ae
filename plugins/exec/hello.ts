/** The first frames: versions, and what a plugin can do. */

import { ModelSigningError } from "../../core/errors.ts";
import type { JsonObject } from "../../core/json.ts";
import type { Option } from "../../core/plugin.ts";
import { excerpt, quote } from "../../core/text.ts";
import {
  booleanAt,
  choiceAt,
  KEBAB_CASE,
  lineAt,
  listAt,
  objectAt,
  optionalAt,
  optionsAt,
  patternAt,
  requireContract,
  ShapeError,
} from "../_plugin/mod.ts";
import { VARIABLE_NAME } from "./environment.ts";

/** Version of the protocol that docs/plugin-protocol.md specifies. */
export const PROTOCOL_VERSION = 1;

/** Digests that a plugin can ask for in the place of the payload. */
const PAYLOAD_DIGESTS = ["sha256", "sha384", "sha512"] as const;

/** In what form a plugin takes what is signed: as it is, or as digests. */
export type PayloadForm = "pae" | readonly (typeof PAYLOAD_DIGESTS)[number][];

/** A signer. */
export type Role = {
  readonly summary: string;
  readonly options: readonly Option[];
  readonly examples?: readonly string[];
  readonly payload: PayloadForm;
};

/** A verifier. */
export type VerifierRole = Role & {
  /** Whether the plugin is asked what signatures claim. */
  readonly describes: boolean;
};

/** What a plugin says about itself. */
export type Hello = {
  readonly name: string;
  readonly version: string;
  readonly signer?: Role;
  readonly verifier?: VerifierRole;
  /** What it would like to learn if the user allows it. */
  readonly wants: readonly "model-path"[];
  /** Variables of the environment. */
  readonly environment: readonly string[];
};

/** Variables, and examples, of one plugin. */
const MAX_ITEMS = 32;

/**
 * Reads a hello.
 *
 * @param path of the plugin, for messages
 * @throws {ModelSigningError} `PLUGIN_PROTOCOL` and `PLUGIN_CONTRACT` for foreign versions
 * @throws {ShapeError}
 */
export function helloAt(frame: JsonObject, path: string): Hello {
  if (frame["type"] !== "hello") {
    throw new ShapeError(`its first frame is ${excerpt(String(frame["type"]))}, expected "hello"`);
  }
  if (frame["protocol"] !== PROTOCOL_VERSION) {
    throw new ModelSigningError(
      "PLUGIN_PROTOCOL",
      `plugin ${quote(path)} speaks protocol version ${
        excerpt(JSON.stringify(frame["protocol"]) ?? "none")
      }, this program ${PROTOCOL_VERSION}`,
      { hint: "use the version of the plugin that was made for this program" },
    );
  }
  requireContract(frame["contract"], quote(path));
  const hello: Hello = {
    name: patternAt(frame["name"], "hello.name", KEBAB_CASE),
    version: patternAt(frame["version"], "hello.version", /^[!-~]{1,64}$/),
    ...optionalAt(frame, "signer", "hello", roleAt),
    ...optionalAt(frame, "verifier", "hello", verifierRoleAt),
    // What later versions of the program offer is not there yet.
    wants: listAt(frame["wants"], "hello.wants", MAX_ITEMS).flatMap((want) =>
      want === "model-path" ? [want] : []
    ),
    environment: listAt(frame["environment"], "hello.environment", MAX_ITEMS).map((name, index) =>
      patternAt(name, `hello.environment[${index}]`, VARIABLE_NAME)
    ),
  };
  if (!hello.signer && !hello.verifier) {
    throw new ShapeError("hello has neither a signer nor a verifier");
  }
  return hello;
}

function roleAt(value: unknown, where: string): Role {
  const given = objectAt(value, where);
  return {
    summary: lineAt(given["summary"], `${where}.summary`),
    options: optionsAt(given["options"], `${where}.options`),
    ...optionalAt(
      given,
      "examples",
      where,
      (examples, at) =>
        listAt(examples, at, MAX_ITEMS).map((item, index) => lineAt(item, `${at}[${index}]`)),
    ),
    payload: payloadAt(given["payload"], `${where}.payload`),
  };
}

function verifierRoleAt(value: unknown, where: string): VerifierRole {
  const { describes = false } = optionalAt(
    objectAt(value, where),
    "describes",
    where,
    booleanAt,
  );
  return { ...roleAt(value, where), describes };
}

function payloadAt(value: unknown, where: string): PayloadForm {
  if (value === "pae") return value;
  const digests = listAt(value, where, PAYLOAD_DIGESTS.length).map((digest, index) =>
    choiceAt(digest, `${where}[${index}]`, PAYLOAD_DIGESTS)
  );
  if (digests.length === 0) throw new ShapeError(`${where} is empty, expected "pae" or digests`);
  return digests;
}
