/** Words for where trust comes from. */

import { counted, printable, quote } from "../../../core/text.ts";
import type { TrustOrigin } from "./trust.ts";

/** One day. */
export const DAY_MS: number = 24 * 60 * 60 * 1000;

/** `2026-05-12`, in UTC. */
export function day(date: Date): string {
  return date.toISOString().slice(0, 10);
}

/** One line, safe to print: `Sigstore's production instance, built in, of 2026-05-12 (194 days old)`. */
export function describeTrust(origin: TrustOrigin, now: Date): string {
  const { kind, name, date, fetched } = origin;
  const aged = (word: string, date: Date) => `${word} ${day(date)} ${age(date, now)}`;
  switch (kind) {
    case "built-in":
      return [printable(name), "built in", ...(date ? [aged("of", date)] : [])].join(", ");
    case "cache": {
      const updated = fetched
        ? [date ? `updated on ${day(fetched)}` : aged("updated on", fetched)]
        : [];
      return [printable(name), ...updated, ...(date ? [aged("of", date)] : [])].join(", ");
    }
    case "file":
      return [`file ${quote(name)}`, ...(date ? [aged("written on", date)] : [])].join(", ");
  }
}

/** Whole days between a date and now; negative when the date has not come yet. */
export function ageInDays(date: Date, now: Date): number {
  return Math.floor((now.getTime() - date.getTime()) / DAY_MS);
}

function age(date: Date, now: Date): string {
  const days = ageInDays(date, now);
  // A file may have been written by another machine, moments ago.
  if (days < -1) return "(in the future: this machine's clock may be wrong)";
  return `(${counted(Math.max(days, 0), "day")} old)`;
}
