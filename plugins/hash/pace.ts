/** Which way the pieces of a file are written, told from how long they took. */

/** Through the page cache or past it. */
export type Way = "cached" | "direct";

/** Pieces of which the median counts: a hitch of the machine is no reason to change. */
const KEPT = 7;

/**
 * How many times as long a direct write may take as the cached ones did. It needs next to no time of a core, so that
 * others hash meanwhile; what is slower still has all of them wait for the disk.
 */
const MOST_PATIENCE = 4;

/**
 * Chooses for one file. Begins with the page cache, so that what was written is in memory for whoever reads it next;
 * leaves it when writing to it takes longer than hashing, as where memory has to be found first; and comes back to
 * stay when the disk is too slow for that.
 */
export class Pace {
  #way: Way = "cached";
  #most = 1;
  #isSettled = false;
  #costs: number[] = [];

  /** For the next piece. */
  get way(): Way {
    return this.#way;
  }

  /** Counts a piece that was written this way; times in ms. */
  took(writing: number, hashing: number): void {
    if (this.#isSettled || !(hashing > 0)) return;
    this.#costs.push(writing / hashing);
    if (this.#costs.length < KEPT) return;
    const cost = median(this.#costs);
    this.#costs.shift();
    if (cost <= this.#most) return;
    if (this.#way === "direct") return this.settle();
    this.#way = "direct";
    this.#most = MOST_PATIENCE * cost;
    this.#costs = [];
  }

  /** The page cache, from now on. */
  settle(): void {
    this.#way = "cached";
    this.#isSettled = true;
  }
}

/** Of an odd number of them. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[(numbers.length - 1) / 2]!;
}
