/** Sizes and times as people write them, and as they read them. */

import { counted } from "../core/mod.ts";

const SIZE_UNITS: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
};

/** Bytes of `1000`, `128MiB` or `1 GB`. A bare `M` is refused: half its readers take it for MiB. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^([0-9]+) ?([a-z]*)$/i.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  const factor = unit === "" ? 1 : SIZE_UNITS[unit.toLowerCase()];
  return factor === undefined ? undefined : Number(digits) * factor;
}

/** Timers count in 32 bits; a longer time would fire at once. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** Milliseconds of `30` (seconds), `90s`, `3m`, `1h30m`. */
export function parseDuration(text: string): number | undefined {
  const match = /^(?:([0-9]+)|(?=[0-9])(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?)$/.exec(text);
  if (!match) return undefined;
  const [bare = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) =>
    Number(part ?? 0)
  );
  const ms = (bare + hours * 3600 + minutes * 60 + seconds) * 1000;
  return ms <= MAX_DURATION_MS ? ms : undefined;
}

/** `0 bytes`, `1 byte`, `512 bytes`, `1.50 KiB`, `12.3 GiB`: three digits. */
export function humanBytes(bytes: number): string {
  if (bytes < 1024) return counted(bytes, "byte");
  let value = bytes;
  let unit = "";
  for (unit of ["KiB", "MiB", "GiB", "TiB", "PiB"]) {
    value /= 1024;
    // 999.95 and above would round to four digits.
    if (value < 999.5) break;
  }
  return `${value.toFixed(value < 9.995 ? 2 : value < 99.95 ? 1 : 0)} ${unit}`;
}

/** `0:07`, `12:30`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}
