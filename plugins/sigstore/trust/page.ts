/** Trust as a page for people. */

import { printable } from "../../../core/text.ts";
import { describeTrust } from "./describe.ts";
import type { SelectedTrust } from "./trust.ts";
import type {
  AuthorityView,
  LogView,
  PeriodView,
  ServiceGroupView,
  ServiceView,
  TrustView,
} from "./view.ts";

/** A line, with what stands at its right, and lines below it. */
type Item = { readonly text: string; readonly aside: string; readonly below: readonly string[] };

/** What `trust show` prints, with everything foreign in it made printable. */
export function trustPage({ origin }: SelectedTrust, view: TrustView, now: Date): string {
  const { signing } = view;
  const version = origin.version === undefined ? [] : [`TUF targets version ${origin.version}`];
  const fetched = view.origin.fetched === undefined ? [] : [`fetched ${view.origin.fetched}`];
  const sections: readonly (readonly [string, readonly Item[]])[] = [
    ["Certificate authorities", view.certificateAuthorities.map((each) => authority(each, now))],
    ["Transparency logs", view.transparencyLogs.map((each) => log(each, now))],
    ["Certificate transparency logs", view.certificateLogs.map((each) => log(each, now))],
    ["Timestamp authorities", view.timestampAuthorities.map((each) => authority(each, now))],
    ...signing
      ? [
        ["To sign: certificate authorities", services(signing.certificateAuthorities, now)],
        ["To sign: identity providers", services(signing.identityProviders, now)],
        [`To sign: transparency logs, ${use(signing.logs)}`, services(signing.logs.services, now)],
        [
          `To sign: timestamp authorities, ${use(signing.timestampAuthorities)}`,
          services(signing.timestampAuthorities.services, now),
        ],
      ] as const
      : [],
  ];
  const items = sections.flatMap(([, list]) => list);
  const width = Math.max(0, ...items.map(({ text }) => text.length));
  return [
    describeTrust(origin, now),
    ...(version.length + fetched.length > 0 ? [[...version, ...fetched].join(", ")] : []),
    ...view.origin.notes.map((note) => `note: ${printable(note)}`),
    ...sections.flatMap(([title, list]) => section(title, list, width)),
    ...(signing ? [] : ["", "It says nothing about how to sign."]),
    "",
  ].join("\n");
}

function section(title: string, items: readonly Item[], width: number): readonly string[] {
  return [
    "",
    title,
    ...(items.length === 0 ? ["  none"] : []),
    ...items.flatMap(({ text, aside, below }) => [
      `  ${text.padEnd(width)}  ${aside}`,
      ...below.map((line) => `    ${line}`),
    ]),
  ];
}

function authority({ name, validFor, certificates }: AuthorityView, now: Date): Item {
  return {
    text: printable(name),
    aside: period(validFor, now),
    below: certificates.map(({ subject, fingerprint }) =>
      `SHA-256 ${fingerprint}  ${printable(subject)}`
    ),
  };
}

function log({ url, id, key, validFor }: LogView, now: Date): Item {
  return {
    text: printable(url),
    aside: period(validFor, now),
    below: [`log ID  ${id}  ${printable(key)}`],
  };
}

function services(list: readonly ServiceView[], now: Date): readonly Item[] {
  return list.map(({ url, majorApiVersion, operator, validFor }) => ({
    text: printable(url),
    aside: validFor ? period(validFor, now) : "always",
    below: [`API version ${majorApiVersion}${operator === "" ? "" : `, ${printable(operator)}`}`],
  }));
}

function use({ use }: ServiceGroupView): string {
  if (use === "any") return "any one";
  return use === "all" ? "one of every operator" : `${use} of different operators`;
}

/** `since 2021-01-12`, `2021-03-07 to 2022-12-31, over`. */
function period({ start, end }: PeriodView, now: Date): string {
  const days = [start, end].map((time) => time?.slice(0, 10));
  const span = end === undefined ? `since ${days[0]}` : `${days[0]} to ${days[1]}`;
  if (now < new Date(start)) return `${span}, not yet`;
  return end !== undefined && now > new Date(end) ? `${span}, over` : span;
}
