/** What a plugin's verifier gives back. */

import { PIPELINE_CHECKS } from "../../core/check.ts";
import type { PaeForm } from "../../core/dsse.ts";
import type { Issue, IssueCode } from "../../core/errors.ts";
import { MAX_CHAIN_LENGTH } from "../../core/limits.ts";
import { excerpt, quote } from "../../core/text.ts";
import type {
  CertificateInfo,
  Check,
  Description,
  Identity,
  SignatureVerification,
  Timestamp,
} from "../../core/verifier.ts";
import { KEBAB_CASE } from "./options.ts";
import { choiceAt, listAt, objectAt, optionalAt, patternAt, ShapeError, textAt } from "./shape.ts";

/** Checks, timestamps, fields: more would be read by nobody. */
const MAX_ITEMS = 100;

const KINDS: readonly Identity["kind"][] = ["key", "certificate", "named"];

/** ISO 8601, UTC. */
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/;

/**
 * Reads what a verifier gave, and holds it to the contract: there is a check `signature`, each name stands once and is
 * none of the program's own, and nothing is said of who signed when a check failed. Throws {@link ShapeError}.
 *
 * @param method the verifier's own; it does not speak for another's
 */
export function verificationAt(
  value: unknown,
  where: string,
  method: string,
): SignatureVerification {
  const given = objectAt(value, where);
  const checks = listAt(given["checks"], `${where}.checks`, MAX_ITEMS).map((item, index) =>
    checkAt(item, `${where}.checks[${index}]`)
  );
  const ids = checks.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) {
    throw new ShapeError(`${where} has the check ${quote(repeated)} twice`);
  }
  const foreign = ids.find((id) => PIPELINE_CHECKS.includes(id));
  if (foreign !== undefined) {
    throw new ShapeError(`${where} has a check ${quote(foreign)}, which the program makes itself`);
  }
  const signature = checks.find(({ id }) => id === "signature");
  if (signature === undefined) throw new ShapeError(`${where} has no check "signature"`);
  const found = {
    checks,
    timestamps: listAt(given["timestamps"], `${where}.timestamps`, MAX_ITEMS).map((item, index) =>
      timestampAt(item, `${where}.timestamps[${index}]`)
    ),
    ...optionalAt(given, "identity", where, (identity, at) => identityAt(identity, at, method)),
    ...optionalAt(
      given,
      "encoding",
      where,
      (encoding, at) => choiceAt<PaeForm>(encoding, at, ["standard", "legacy"]),
    ),
  };
  if (found.encoding !== undefined && signature.status !== "passed") {
    throw new ShapeError(`${where} has an encoding, and the check "signature" did not pass`);
  }
  const failed = checks.some(({ status }) => status === "failed");
  if (found.identity !== undefined && (failed || found.encoding === undefined)) {
    throw new ShapeError(
      `${where} has an identity, and ${failed ? "a check failed" : "no encoding"}`,
    );
  }
  return found;
}

function checkAt(value: unknown, where: string): Check {
  const given = objectAt(value, where);
  const base = {
    id: patternAt(given["id"], `${where}.id`, KEBAB_CASE),
    detail: textAt(given["detail"], `${where}.detail`),
  };
  const status = choiceAt(given["status"], `${where}.status`, ["passed", "skipped", "failed"]);
  return status === "failed"
    ? { ...base, status, issue: issueAt(given["issue"], `${where}.issue`) }
    : { ...base, status };
}

/** Reads a finding. Throws {@link ShapeError}. */
export function issueAt(value: unknown, where: string): Issue {
  const given = objectAt(value, where);
  return {
    // A plugin finds what the program has names for, too; the report takes any name.
    code: patternAt(given["code"], `${where}.code`, /^[A-Z][A-Z0-9_]{0,63}$/) as IssueCode,
    message: textAt(given["message"], `${where}.message`),
    ...optionalAt(given, "path", where, textAt),
    ...optionalAt(given, "hint", where, textAt),
  };
}

function timeAt(value: unknown, where: string): string {
  const text = patternAt(value, where, TIME);
  // A day that the month does not have would be one of the next month's.
  const day = new Date(text);
  if (!Number.isNaN(day.getTime()) && day.toISOString().slice(0, 10) === text.slice(0, 10)) {
    return text;
  }
  throw new ShapeError(`${where} is ${excerpt(text)}, which is no time`);
}

function timestampAt(value: unknown, where: string): Timestamp {
  const given = objectAt(value, where);
  return {
    source: choiceAt(given["source"], `${where}.source`, ["rfc3161", "transparency-log"]),
    time: timeAt(given["time"], `${where}.time`),
    authority: textAt(given["authority"], `${where}.authority`),
  };
}

/** The kind of an identity may be left out, as plugins in plain JavaScript do: the method implies one. */
function identityAt(value: unknown, where: string, own: string): Identity {
  const given = objectAt(value, where);
  // Any verifier can come to know a key or a certificate.
  const method = choiceAt(given["method"], `${where}.method`, [own, "key", "certificate"]);
  const implied: Identity["kind"] = method === "key" || method === "certificate" ? method : "named";
  const kinds = method === own ? KINDS : [implied];
  const { kind = implied } = optionalAt(
    given,
    "kind",
    where,
    (value, at) => choiceAt(value, at, kinds),
  );
  switch (kind) {
    case "key":
      return {
        kind: "key",
        method,
        keyHint: patternAt(given["keyHint"], `${where}.keyHint`, /^[0-9a-f]{64}$/),
        algorithm: textAt(given["algorithm"], `${where}.algorithm`),
      };
    case "certificate":
      return {
        kind: "certificate",
        method,
        certificate: certificateAt(given["certificate"], `${where}.certificate`),
        anchor: certificateAt(given["anchor"], `${where}.anchor`),
      };
    case "named":
      return {
        kind: "named",
        method,
        name: textAt(given["name"], `${where}.name`),
        ...optionalAt(given, "issuer", where, textAt),
        ...optionalAt(given, "fields", where, fieldsAt),
      };
  }
}

function fieldsAt(value: unknown, where: string): Readonly<Record<string, string>> {
  const members = listAt(Object.entries(objectAt(value, where)), where, MAX_ITEMS);
  return Object.fromEntries(
    (members as readonly [string, unknown][]).map(([name, field]) => [
      name,
      textAt(field, `${where}.${name}`),
    ]),
  );
}

function certificateAt(value: unknown, where: string): CertificateInfo {
  const given = objectAt(value, where);
  const text = (name: string) => textAt(given[name], `${where}.${name}`);
  return {
    subject: typeof given["subject"] === "string" ? given["subject"] : text("subject"),
    issuer: typeof given["issuer"] === "string" ? given["issuer"] : text("issuer"),
    serial: text("serial"),
    notBefore: timeAt(given["notBefore"], `${where}.notBefore`),
    notAfter: timeAt(given["notAfter"], `${where}.notAfter`),
    subjectAlternativeNames: listAt(
      given["subjectAlternativeNames"],
      `${where}.subjectAlternativeNames`,
      MAX_ITEMS,
    ).map((name, index) => textAt(name, `${where}.subjectAlternativeNames[${index}]`)),
    fingerprint: patternAt(given["fingerprint"], `${where}.fingerprint`, /^[0-9a-f]{64}$/),
    publicKey: text("publicKey"),
  };
}

/**
 * Reads what a describer gave. Throws {@link ShapeError}.
 *
 * @param method the describer's own: whoever reads the words is told whose they are
 */
export function descriptionAt(
  value: unknown,
  where: string,
  method: string,
): Description | undefined {
  if (value === undefined) return undefined;
  const given = objectAt(value, where);
  return {
    method: choiceAt(given["method"], `${where}.method`, [method]),
    fields: listAt(given["fields"], `${where}.fields`, MAX_ITEMS).map((item, index) => {
      const [label, text] = listAt(item, `${where}.fields[${index}]`, 2);
      return [
        textAt(label, `${where}.fields[${index}][0]`, 40),
        textAt(text, `${where}.fields[${index}][1]`),
      ];
    }),
    certificates: listAt(given["certificates"], `${where}.certificates`, MAX_CHAIN_LENGTH)
      .map((item, index) => certificateAt(item, `${where}.certificates[${index}]`)),
  };
}
