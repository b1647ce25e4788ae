/** Canonical JSON for values without fractions: members sorted, no space. */

/** RFC 8785, which Rekor signs. Members that are undefined are left out. */
export function canonicalJson(value: unknown): string {
  return canonical(value, JSON.stringify);
}

/** OLPC's form, which TUF signs: nothing in a text is escaped but the quote and the backslash. */
export function olpcJson(value: unknown): string {
  return canonical(value, (text) => `"${text.replace(/["\\]/g, "\\$&")}"`);
}

function canonical(value: unknown, quoted: (text: string) => string): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, quoted)).join(",")}]`;
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).filter(([, member]) => member !== undefined)
    // UTF-16 code units, as RFC 8785 3.2.3 sorts.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${quoted(name)}:${canonical(member, quoted)}`);
  return `{${members.join(",")}}`;
}
