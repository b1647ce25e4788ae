/** Name constraints (RFC 5280 4.2.1.10): what a CA may vouch for. */

import { isIP } from "node:net";
import { quote } from "../../core/text.ts";
import type { Certificate } from "./certificate.ts";
import { type GeneralName, generalNameText } from "./general_name.ts";
import { MAX_COMPARISONS } from "./limits.ts";
import { attributeValues, COMMON_NAME, EMAIL_ADDRESS, isWithin, nameText } from "./name.ts";
import type { NameConstraints } from "./extensions.ts";

/**
 * Host names as constraints can judge them: no empty label, so no trailing dot that would dodge an exclusion,
 * and no more characters than a name can have (RFC 1035 2.3.4).
 */
const HOST = /^(?=.{1,253}$)[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/i;

/** Why a CA's constraints refuse a certificate, as a clause ("it has …"), or undefined when they do not. */
export function nameConstraintProblem(
  constraints: NameConstraints,
  certificate: Certificate,
): string | undefined {
  const names = namesOf(certificate);
  const { permitted, excluded } = constraints;
  if (names.length * (permitted.length + excluded.length) > MAX_COMPARISONS) {
    return "it has too many names to be compared";
  }
  for (const name of names) {
    const ofKind = (list: readonly GeneralName[]) => list.filter((base) => sameForm(base, name));
    const inclusions = ofKind(permitted);
    const exclusions = ofKind(excluded);
    if (inclusions.length + exclusions.length === 0) continue;
    // A name that cannot be judged passes no constraint on its form.
    if (exclusions.some((base) => matches(name, base) !== false)) {
      return `it has the excluded name ${shown(name)}`;
    }
    if (inclusions.length > 0 && !inclusions.some((base) => matches(name, base) === true)) {
      return `it has the name ${shown(name)}, which is not permitted`;
    }
  }
  return undefined;
}

/** Every name that constraints apply to. */
function namesOf(certificate: Certificate): readonly GeneralName[] {
  const { subject, subjectAltNames = [] } = certificate;
  const names: GeneralName[] = [...subjectAltNames];
  if (subject.length > 0) names.push({ kind: "directory", name: subject });
  if (!subjectAltNames.some(({ kind }) => kind === "email")) {
    for (const attribute of subject.flat()) {
      if (attribute.type !== EMAIL_ADDRESS) continue;
      // A value without text is no address, so it cannot be judged.
      names.push({ kind: "email", text: attribute.text ?? nameText([[attribute]]) });
    }
  }
  // Without alternative names the common name is what the signer is recognised by, so what it looks like
  // is judged as that.
  if (certificate.subjectAltNames === undefined) {
    for (const text of attributeValues(subject, COMMON_NAME)) names.push(...lookingLike(text));
  }
  return names;
}

/** What a common name would be as an alternative name; nothing for one that could be a person's only. */
function lookingLike(text: string): readonly GeneralName[] {
  const asHost: readonly GeneralName[] = HOST.test(withoutWildcard(text))
    ? [{ kind: "dns", text }]
    : [];
  // An IPv4 address has the letters of a host, too.
  if (isIP(text) !== 0) return [{ kind: "ip", bytes: addressBytes(text) }, ...asHost];
  // In "https://..." an @ is no address; behind "a:" it could be one.
  const hasAuthority = text.includes("://");
  const forms = [
    ...(hasAuthority || /^[a-z][a-z0-9+.-]*:/i.test(text) ? ["uri"] as const : []),
    ...(text.includes("@") && !hasAuthority ? ["email"] as const : []),
  ];
  if (forms.length > 0) return forms.map((kind) => ({ kind, text }));
  // One without a dot could be a host of the local network, as well as somebody's.
  return asHost;
}

/** An address in network order; empty, which no constraint takes, for one with a zone. */
function addressBytes(text: string): Uint8Array {
  if (isIP(text) === 4) return Uint8Array.from(text.split("."), Number);
  if (!URL.canParse(`http://[${text}]`)) return new Uint8Array();
  // Written with hexadecimal groups only, and one gap at most.
  const [left = "", right] = new URL(`http://[${text}]`).hostname.slice(1, -1).split("::");
  const groups = (part: string) => part === "" ? [] : part.split(":");
  const [head, tail] = [groups(left), groups(right ?? "")];
  const gap = Array(8 - head.length - tail.length).fill("0");
  return Uint8Array.from([...head, ...gap, ...tail].flatMap((group) => {
    const value = parseInt(group, 16);
    return [value >> 8, value & 0xff];
  }));
}

function withoutWildcard(name: string): string {
  return name.startsWith("*.") ? name.slice(2) : name;
}

function shown(name: GeneralName): string {
  return quote(generalNameText(name));
}

function sameForm(base: GeneralName, name: GeneralName): boolean {
  return base.kind === name.kind &&
    (base.kind !== "other" || name.kind !== "other" || base.form === name.form);
}

/** Whether a name lies within a constraint of its form; undefined when that cannot be told. */
function matches(name: GeneralName, base: GeneralName): boolean | undefined {
  if (name.kind === "directory" && base.kind === "directory") return isWithin(name.name, base.name);
  if (name.kind === "ip" && base.kind === "ip") return ipMatches(name.bytes, base.bytes);
  if (name.kind === "dns" && base.kind === "dns") return dnsMatches(name.text, base.text);
  if (name.kind === "email" && base.kind === "email") return emailMatches(name.text, base.text);
  if (name.kind === "uri" && base.kind === "uri") return uriMatches(name.text, base.text);
  return undefined;
}

function dnsMatches(name: string, base: string): boolean | undefined {
  const host = withoutWildcard(name);
  if (!HOST.test(host)) return undefined;
  if (base === "") return true;
  // With a leading dot, subdomains only: not in RFC 5280, but common, and read so by OpenSSL.
  const domain = base.startsWith(".") ? base.slice(1) : base;
  if (!HOST.test(domain)) return undefined;
  return (!base.startsWith(".") && equal(host, domain)) || isBelow(host, domain);
}

function emailMatches(name: string, base: string): boolean | undefined {
  const [local, host, ...more] = name.split("@");
  if (!local || !host || more.length > 0 || local.includes('"') || !HOST.test(host)) {
    return undefined;
  }
  if (base === "") return true;
  const at = base.lastIndexOf("@");
  if (at >= 0) return base.slice(0, at) === local && equal(base.slice(at + 1), host);
  return hostMatches(host, base);
}

function uriMatches(name: string, base: string): boolean | undefined {
  const host = /^[a-z][a-z0-9+.-]*:\/\/(?:[^/?#@]*@)?([^/?#:@]+)(?::\d*)?(?:[/?#]|$)/i.exec(name)
    ?.[1];
  // RFC 5280 4.2.1.10: a URI without a host name passes no constraint, and an address is none.
  if (host === undefined || !HOST.test(host) || /^[\d.]+$/.test(host)) return undefined;
  return base === "" ? true : hostMatches(host, base);
}

/** A host, or with a leading dot the hosts below it. */
function hostMatches(host: string, base: string): boolean | undefined {
  const domain = base.startsWith(".") ? base.slice(1) : base;
  if (!HOST.test(domain)) return undefined;
  return base.startsWith(".") ? isBelow(host, domain) : equal(host, domain);
}

function ipMatches(address: Uint8Array, range: Uint8Array): boolean | undefined {
  if (address.length !== 4 && address.length !== 16) return undefined;
  if (range.length !== 8 && range.length !== 32) return undefined;
  if (range.length !== 2 * address.length) return false;
  return address.every((byte, index) => {
    const mask = range[address.length + index]!;
    return (byte & mask) === (range[index]! & mask);
  });
}

function equal(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

function isBelow(host: string, domain: string): boolean {
  return host.toLowerCase().endsWith(`.${domain.toLowerCase()}`);
}
