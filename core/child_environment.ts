/** The environment that other programs are started with. */

/**
 * A copy without what changes how a program compiled by Bun runs, should the other one be one, and without this
 * program's own settings, which may hold secrets.
 */
export function childEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept: Record<string, string> = {};
  for (const [name, value] of Object.entries(environment)) {
    if (
      value === undefined || /^(?:BUN_OPTIONS|BUN_BE_BUN|MODEL_SIGNING_.*|PKCS11_PIN)$/i.test(name)
    ) {
      continue;
    }
    kept[name] = value;
  }
  return kept;
}
