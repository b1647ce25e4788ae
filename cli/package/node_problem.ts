/** Whether the npm package runs on a Node. Imports nothing, so that every Node can load it. */

/**
 * What is wrong with the Node that runs this; undefined when nothing is. Other runtimes have a version of Node, too, which
 * says little about what they have.
 *
 * @param versions as `process.versions`
 * @param engines what the package's manifest asks for: `>=22.0.0`
 */
export function nodeProblem(
  versions: Readonly<Record<string, string | undefined>>,
  engines: string | undefined,
): string | undefined {
  const { node = "", bun, deno } = versions;
  if (bun !== undefined || deno !== undefined || engines === undefined) return undefined;
  const [found, least] = [numbersOf(node), numbersOf(engines)];
  const at = least.findIndex((number, index) => number !== (found[index] ?? 0));
  if (at < 0 || (found[at] ?? 0) > least[at]!) return undefined;
  return `this is Node ${node}, and the package needs ${least.join(".")} or a later one`;
}

function numbersOf(version: string): readonly number[] {
  return (version.match(/\d+/g) ?? []).slice(0, 3).map(Number);
}
