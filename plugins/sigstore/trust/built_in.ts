/** Trust that is part of this program. */

import { type BuiltInRepository, type InstanceName, instanceRepository } from "./repository.ts";
import { readTrust, type SelectedTrust } from "./trust.ts";

/**
 * Trust in one of Sigstore's public instances, as it was when this program was made. `selectTrust` also looks at what
 * was fetched since.
 */
export function builtinTrust(instance: InstanceName): SelectedTrust {
  return trustBuiltIn(instanceRepository(instance), []);
}

/** What is built in for a repository. */
export function trustBuiltIn(
  { name, builtIn }: BuiltInRepository,
  notes: readonly string[],
): SelectedTrust {
  const { trustedRoot, signingConfig, date, version } = builtIn;
  return readTrust(trustedRoot, signingConfig, {
    kind: "built-in",
    name,
    date,
    ...(version === undefined ? {} : { version }),
    notes,
  });
}
