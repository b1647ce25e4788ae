/** A queue that gives its largest item first. */

/** Binary max-heap. */
export class LargestFirst<T> {
  readonly #sizeOf: (item: T) => number;
  readonly #items: T[] = [];

  constructor(sizeOf: (item: T) => number) {
    this.#sizeOf = sizeOf;
  }

  /** Items held. */
  get length(): number {
    return this.#items.length;
  }

  /** Puts an item in. */
  push(item: T): void {
    const items = this.#items;
    const size = this.#sizeOf(item);
    let at = items.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#sizeOf(items[parent]!) >= size) break;
      items[at] = items[parent]!;
      at = parent;
    }
    items[at] = item;
  }

  /** Takes the largest item out. */
  pop(): T | undefined {
    const items = this.#items;
    const largest = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return largest;
    const size = this.#sizeOf(last);
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (
        child + 1 < items.length && this.#sizeOf(items[child + 1]!) > this.#sizeOf(items[child]!)
      ) child++;
      if (this.#sizeOf(items[child]!) <= size) break;
      items[at] = items[child]!;
      at = child;
    }
    items[at] = last;
    return largest;
  }
}
