/** Which way the pieces of files are written, told from how long they took. */

/** Through the page cache or past it. */
export type Way = "cached" | "direct";

/**
 * The pieces that count, and what they cost: of a core, which takes the same for all but those that it was taken away
 * from; of a disk, which may pause now and then and be quick all the same.
 */
const COUNTED = {
  cached: { pieces: 7, cost: median },
  direct: { pieces: 64, cost: mean },
};

/**
 * How many times as long a direct write may take as the cached ones did. It needs next to no time of a core, so that
 * others hash meanwhile; what is slower still has all of them wait for the disk.
 */
const MOST_PATIENCE = 4;

/** Pieces until a disk that was too slow is tried again; each time twice as many. */
const FIRST_REST = 256;

/**
 * Chooses for one file after the other. Begins each with the page cache, so that what was written is in memory for
 * whoever reads it next; leaves it when writing to it takes longer than hashing, as where memory has to be found first;
 * and comes back when the disk is too slow for that.
 */
export class Pace {
  #way: Way = "cached";
  /** What a piece may cost, in times of its hashing. */
  #most = 1;
  #costs = emptyWindow("cached");
  /** Pieces that do not count any more. */
  #rest = 0;
  #nextRest = FIRST_REST;

  /** For the next piece. */
  get way(): Way {
    return this.#way;
  }

  /** Begins a file. */
  begin(): void {
    this.#choose("cached", 1);
  }

  /** Counts a piece that was written this way; times in ms. */
  took(writing: number, hashing: number): void {
    if (this.#rest > 0) {
      this.#rest--;
      return;
    }
    if (!(hashing > 0)) return;
    this.#costs.shift();
    this.#costs.push(writing / hashing);
    const cost = COUNTED[this.#way].cost(this.#costs);
    if (cost <= this.#most) return;
    if (this.#way === "cached") return this.#choose("direct", MOST_PATIENCE * cost);
    this.#rest = this.#nextRest;
    this.#nextRest *= 2;
    this.#choose("cached", 1);
  }

  /** The page cache, from now on. */
  settle(): void {
    this.#rest = Infinity;
    this.#choose("cached", 1);
  }

  #choose(way: Way, most: number): void {
    this.#way = way;
    this.#most = most;
    this.#costs = emptyWindow(way);
  }
}

/** As if the pieces before had cost nothing: a few may then already cost more than all of them may. */
function emptyWindow(way: Way): number[] {
  return new Array<number>(COUNTED[way].pieces).fill(0);
}

/** Of an odd number of them. */
function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[(numbers.length - 1) / 2]!;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0) / numbers.length;
}
