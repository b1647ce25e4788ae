/** What Fulcio makes of a token's claims: the alternative name and the extensions of the certificate. */

import { Buffer } from "node:buffer";
import { context, encode, encodeSequence, TAG } from "../../plugins/_der/mod.ts";
import type { JsonObject } from "../../core/json.ts";
import { extension } from "./certificate.ts";

/** Arc of Fulcio's extensions (its docs/oid-info.md). */
const FULCIO = "1.3.6.1.4.1.57264.1";

/** Who a certificate is for. */
export type Identity = {
  readonly kind: "email" | "uri";
  readonly name: string;
  /** What the proof of possession signs. */
  readonly challenge: string;
};

/** The identity in the claims, or undefined when Fulcio would take it for none. */
export function identityOf(claims: JsonObject): Identity | undefined {
  const { email, sub } = claims;
  if (typeof sub !== "string" || sub === "") return undefined;
  if (typeof email === "string") {
    return claims["email_verified"] === true
      ? { kind: "email", name: email, challenge: email }
      : undefined;
  }
  const workflow = claims["job_workflow_ref"];
  if (typeof workflow === "string") {
    return { kind: "uri", name: `https://github.com/${workflow}`, challenge: sub };
  }
  return URL.canParse(sub) ? { kind: "uri", name: sub, challenge: sub } : undefined;
}

/** The subject alternative name: critical, as the subject is empty (RFC 5280 4.2.1.6). */
export function alternativeName({ kind, name }: Identity): Uint8Array {
  const tag = context(kind === "email" ? 1 : 6, "primitive");
  const names = encodeSequence(encode(tag, Buffer.from(name, "utf8")));
  return extension("2.5.29.17", names, "critical");
}

/** Fulcio's extensions. */
export function fulcioExtensions(claims: JsonObject): readonly Uint8Array[] {
  const issuer = String(claims["iss"]);
  const raw = (number: number, value: string) =>
    extension(`${FULCIO}.${number}`, Buffer.from(value, "utf8"));
  const der = (number: number, value: string) =>
    extension(`${FULCIO}.${number}`, encode(TAG.utf8String, Buffer.from(value, "utf8")));
  const first = [raw(1, issuer)];
  if (typeof claims["job_workflow_ref"] !== "string") return [...first, der(8, issuer)];
  const claim = (name: string) => String(claims[name] ?? "");
  const site = (name: string) => `https://github.com/${claim(name)}`;
  const run = `${site("repository")}/actions/runs/${claim("run_id")}/attempts/${
    claim("run_attempt")
  }`;
  return [
    ...first,
    raw(2, claim("event_name")),
    raw(3, claim("sha")),
    raw(4, claim("workflow")),
    raw(5, claim("repository")),
    raw(6, claim("ref")),
    der(8, issuer),
    der(9, site("job_workflow_ref")),
    der(10, claim("job_workflow_sha")),
    der(11, claim("runner_environment")),
    der(12, site("repository")),
    der(13, claim("sha")),
    der(14, claim("ref")),
    der(15, claim("repository_id")),
    der(16, site("repository_owner")),
    der(17, claim("repository_owner_id")),
    der(18, site("workflow_ref")),
    der(19, claim("workflow_sha")),
    der(20, claim("event_name")),
    der(21, run),
    der(22, claim("repository_visibility")),
  ];
}
