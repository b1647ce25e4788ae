/** What the benchmarks print. */

/** A table of measurements, which counts the targets that were missed. */
export class Table {
  readonly #judges: boolean;
  #missed = 0;

  /** @param judges false when the targets are not for what is measured */
  constructor(judges: boolean) {
    this.#judges = judges;
  }

  /** Targets that were missed so far. */
  get missed(): number {
    return this.#missed;
  }

  /** Prints what the columns are. */
  head(): void {
    this.#row(["", "ours", "peer", "ratio", "target"]);
  }

  /** Prints two times in ms, and `ratio`, which must be at least `target` if there is one. */
  against(
    label: string,
    { ours, peer, ratio }: { readonly ours: number; readonly peer: number; readonly ratio: number },
    target: number | undefined,
  ): void {
    const cells = [`${ours.toFixed(0)} ms`, `${peer.toFixed(0)} ms`, ratio.toFixed(2)];
    const judged = target === undefined
      ? ""
      : this.#judged(ratio >= target, `>= ${target.toFixed(2)}`);
    this.#row([label, ...cells, judged]);
  }

  /** Prints a figure, which must be at most `most` if there is such a target. */
  atMost(label: string, value: number, most: number | undefined, unit: string): void {
    const target = most === undefined
      ? ""
      : this.#judged(value <= most, `<= ${most.toFixed(0)} ${unit}`);
    this.#row([label, `${value.toFixed(0)} ${unit}`, "", "", target]);
  }

  /** Prints that something could not be measured. */
  skip(label: string, tool: string): void {
    this.#row([label, `skipped: ${tool} is not installed`]);
  }

  #judged(met: boolean, target: string): string {
    if (met || !this.#judges) return target;
    this.#missed++;
    return `${target} MISSED`;
  }

  #row([label = "", ours = "", peer = "", ratio = "", target = ""]: readonly string[]): void {
    const figures = [ours.padStart(9), peer.padStart(9), ratio.padStart(6)];
    console.log(`${label.padEnd(58)}${figures.join(" ")}  ${target}`.trimEnd());
  }
}
