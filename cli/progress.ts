/** One line on a terminal that tells how far hashing or pulling is, and is gone afterwards. */

import {
  grouped,
  type Observer,
  type ObserverEvent,
  printable,
  type Progress,
  type SpanName,
} from "../core/mod.ts";
import { columnsOf } from "./columns.ts";
import type { Output } from "./io.ts";
import { clock, humanBytes } from "./units.ts";

const TO_LINE_START = "\r";
const ERASE_LINE = "\x1b[K";

/** The rate is that of the last 5 s, so that it follows a change from a fast disk to a slow one. */
const RATE_WINDOW_MS = 5000;

/** A file name in fewer columns than this tells nothing and is left out. */
const SHORT_NAME = 12;
/** The file counts are left out when they would leave the file name less than this. */
const LONG_NAME = 32;

/** Draws a progress line. Whatever else writes to the same terminal does so through {@link aside}. */
export class ProgressLine implements Observer {
  readonly #output: Output;
  readonly #samples: { readonly time: number; readonly bytes: number }[] = [];
  #step = "hashing";
  #line = "";

  constructor(output: Output) {
    this.#output = output;
  }

  emit(event: ObserverEvent): void {
    if (event.kind === "progress") return this.#draw(event.progress);
    const step = stepOf(event.name);
    if (step === undefined) return;
    // What is written after the step, such as the report, begins on an empty line.
    if (event.kind === "span-end") this.erase();
    else this.#step = step;
  }

  /** Takes the line away. */
  erase(): void {
    if (this.#line !== "") this.#output.write(TO_LINE_START + ERASE_LINE);
    this.#line = "";
    this.#samples.length = 0;
  }

  /** Takes the line away while `write` runs, and puts it back. */
  aside(write: () => void): void {
    if (this.#line === "") return write();
    this.#output.write(TO_LINE_START + ERASE_LINE);
    write();
    this.#output.write(this.#line);
  }

  #draw(progress: Progress): void {
    // The last column stays empty: a terminal may wrap as soon as it is written.
    const width = this.#output.columns() - 1;
    this.#line = progressText(progress, this.#rate(progress.bytesDone), width, this.#step);
    this.#output.write(TO_LINE_START + ERASE_LINE + this.#line);
  }

  /** Bytes per second. */
  #rate(bytes: number): number {
    const time = performance.now();
    const samples = this.#samples;
    samples.push({ time, bytes });
    while (samples.length > 2 && time - samples[0]!.time > RATE_WINDOW_MS) samples.shift();
    const { time: start, bytes: before } = samples[0]!;
    return time > start ? ((bytes - before) * 1000) / (time - start) : 0;
  }
}

/** What a step with progress is called; undefined for one without. */
function stepOf(span: SpanName): string | undefined {
  return span === "hash" ? "hashing" : span.endsWith(".pull") ? "pulling" : undefined;
}

/**
 * The line, with as many of its parts as fit into `width` columns. The file name comes before the counts.
 *
 * @param step what is being done
 */
export function progressText(
  progress: Progress,
  rate: number,
  width: number,
  step: string = "hashing",
): string {
  const { bytesDone, bytesFound, filesDone, filesFound, totalsFinal, current } = progress;
  const more = totalsFinal ? "" : "+";
  const share = totalsFinal && bytesFound > 0
    ? [`${step} ${Math.floor((100 * bytesDone) / bytesFound)}%`]
    : [step];
  const time = totalsFinal && rate > 0 ? [`ETA ${clock((bytesFound - bytesDone) / rate)}`] : [];
  const speed = rate > 0 ? [`${humanBytes(rate)}/s`] : [];
  const parts = [
    ...share,
    `${humanBytes(bytesDone)}/${humanBytes(bytesFound)}${more}`,
    ...speed,
    ...time,
  ];
  let line = fitting(parts, width);
  const counts = `, ${grouped(filesDone)}/${grouped(filesFound)}${more} files`;
  const wanted = current === undefined ? 0 : Math.min(LONG_NAME, current.length + 2);
  if (line.length + counts.length + wanted <= width) line += counts;
  const room = width - line.length - 2;
  return current === undefined || room < SHORT_NAME ? line : `${line}  ${tail(current, room)}`;
}

function fitting(parts: readonly string[], width: number): string {
  let line = "";
  for (const part of parts) {
    const longer = line === "" ? part : `${line}, ${part}`;
    if (longer.length > width) break;
    line = longer;
  }
  return line;
}

/** The end of a path, escaped, in at most `columns` columns. */
function tail(path: string, columns: number): string {
  const characters = [...printable(path)];
  let used = 0;
  let start = characters.length;
  while (start > 0) {
    used += columnsOf(characters[start - 1]!);
    if (used > columns) break;
    start--;
  }
  if (start === 0) return characters.join("");
  // Three columns are needed for the dots.
  used = 3;
  start = characters.length;
  while (start > 0 && used + columnsOf(characters[start - 1]!) <= columns) {
    used += columnsOf(characters[--start]!);
  }
  return `...${characters.slice(start).join("")}`;
}
