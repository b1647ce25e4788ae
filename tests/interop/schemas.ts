/** The specification's own JSON Schemas. */

import { type Schema, Validator } from "@cfworker/json-schema";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the schemas say about one thing: nothing when it is valid, else the reasons. */
export type Judgement = readonly string[];

/** The two documents that the specification describes. */
export type SchemaJudges = {
  /** A whole signature file. */
  bundle(value: unknown): Judgement;
  /** Its decoded payload. */
  statement(value: unknown): Judgement;
};

/** Reads the schemas in `folder`. */
export function schemaJudges(folder: string): SchemaJudges {
  const read = (name: string): Schema =>
    JSON.parse(readFileSync(join(folder, `${name}.schema.json`), "utf8"));
  const judge = (schema: Schema, referenced: Schema) => {
    const validator = new Validator(schema, "2020-12", false);
    validator.addSchema(referenced);
    return (value: unknown): Judgement =>
      validator.validate(value).errors.map(({ instanceLocation, error }) =>
        `${instanceLocation}: ${error}`
      );
  };
  return {
    bundle: judge(read("bundle"), read("envelope")),
    statement: judge(read("statement"), read("predicate")),
  };
}
