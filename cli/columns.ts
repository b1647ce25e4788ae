/** How wide text is on a terminal. */

/**
 * Columns that printable text takes, at most: which letters take two depends on the terminal. Never too few: what a
 * terminal breaks by itself goes on at its left edge.
 */
export function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character <= "~" ? 1 : 2;
  return columns;
}
