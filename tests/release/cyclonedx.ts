/** The official schemas of CycloneDX, from the npm package of its JavaScript library. */

import { type Schema, Validator } from "@cfworker/json-schema";
import type { LockedPackage } from "../../cli/build/lock.ts";
import { buildCache, packageTarball } from "../../cli/build/npm_package.ts";
import { readTarball } from "../../cli/build/tarball.ts";

const LIBRARY: LockedPackage = {
  name: "@cyclonedx/cyclonedx-library",
  version: "10.3.0",
  integrity:
    "sha512-RIT28sp1U0PCHaaeF3yNRwk6Jig/XJ8UsYAVOMYaHQ+0VVOvsjcp0PTWQFLUqJFF8XMud+Kdq6G+wtDAh+QJFA==",
  dependencies: [],
};

/** What the schema of CycloneDX 1.6 says against a bill of materials: nothing when it is valid. */
export function cycloneDxErrors(bill: unknown): readonly string[] {
  const files = readTarball(packageTarball(LIBRARY, buildCache()));
  const schema = (name: string): Schema => {
    const path = `res/schema/${name}.SNAPSHOT.schema.json`;
    const file = files.find((file) => file.path === path);
    if (!file) throw new Error(`${LIBRARY.name} has no ${path}`);
    return JSON.parse(file.content.toString("utf8"));
  };
  const validator = new Validator(schema("bom-1.6"), "7", false);
  for (const name of ["spdx", "jsf-0.82"]) {
    // The package refers to them by the names of their files.
    validator.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
  }
  return validator.validate(bill).errors.map(({ instanceLocation, error }) =>
    `${instanceLocation}: ${error}`
  );
}
