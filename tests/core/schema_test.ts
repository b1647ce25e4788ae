/** What we write, against the official schemas; what the schemas' authors call valid and invalid. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type OutputUnit, type Schema, Validator } from "@cfworker/json-schema";
import { parseBundle } from "../../core/bundle.ts";
import { HASH_TYPES } from "../../core/hasher.ts";
import { parseStatement } from "../../core/parse_statement.ts";
import { signModel } from "../../core/sign.ts";
import { hasherFactory } from "../../plugins/hash/mod.ts";
import { keySigner } from "../../plugins/key/mod.ts";
import { type Loose, p256 } from "../support/bundles.ts";
import { MemorySource } from "../support/memory_source.ts";
import { sharedData } from "../support/shared.ts";

const oms = sharedData("oms");

function readJson(...segments: readonly string[]): Loose {
  return JSON.parse(readFileSync(join(oms!, ...segments), "utf8"));
}

function schemaErrors(name: string, value: Loose): readonly OutputUnit[] {
  const schemas = ["bundle", "envelope", "predicate", "statement"].map((schema): Schema =>
    readJson("schemas", `${schema}.schema.json`)
  );
  const main = schemas.find(({ $id }) => $id === `https://model_signing/${name}/v1.0/schema`)!;
  const validator = new Validator(main, "2020-12", false);
  for (const schema of schemas) if (schema !== main) validator.addSchema(schema);
  return validator.validate(value).errors;
}

if (oms !== undefined) {
  for (const algorithm of HASH_TYPES) {
    for (const shardSize of [undefined, 4]) {
      const method = shardSize === undefined ? "files" : "shards";
      test(`signModel() writes what the official schemas describe: ${method}, ${algorithm}`, async () => {
        const { privateKey } = p256();
        const signed = await signModel({
          source: new MemorySource(
            { "a": "content", "b/\u{1f600}": "more", "x": "" },
            { ignorePaths: ["left/out"], annotations: { key: "value" } },
          ),
          hasher: hasherFactory(),
          algorithm,
          ...(shardSize === undefined ? {} : { shardSize }),
          signer: keySigner({ privateKey }),
        });
        const bundle = JSON.parse(Buffer.from(signed.bytes).toString("utf8"));
        assert.deepEqual(schemaErrors("bundle", bundle), []);
        const payload = Buffer.from(bundle.dsseEnvelope.payload, "base64").toString("utf8");
        const statement = JSON.parse(payload);
        assert.deepEqual(schemaErrors("statement", statement), []);
        assert.equal(statement.predicate.serialization.method, method);
      });
    }
  }

  test("the official schemas would notice", () => {
    const bundle = readJson("vectors", "valid", "key.bundle.json");
    assert.deepEqual(schemaErrors("bundle", bundle), []);
    bundle.dsseEnvelope.signatures = [];
    assert.notDeepEqual(schemaErrors("bundle", bundle), []);
    assert.notDeepEqual(schemaErrors("statement", { predicate: { resources: [] } }), []);
  });

  for (const name of readdirSync(join(oms, "vectors", "valid"))) {
    test(`the valid vector ${name} is read`, () => {
      const bundle = parseBundle(readFileSync(join(oms, "vectors", "valid", name)));
      assert.ok(bundle.ok, bundle.ok ? "" : bundle.issue.message);
      const statement = parseStatement(bundle.value.envelope.payload);
      assert.ok(statement.ok, statement.ok ? "" : statement.issue.message);
    });
  }

  for (const name of readdirSync(join(oms, "vectors", "invalid"))) {
    // Material that only asking for Sigstore makes wrong: the Go tool writes certificates like this (OMS 1).
    if (name === "missing-tlog-entries.bundle.json") continue;
    test(`the invalid vector ${name} is refused`, () => {
      const bundle = parseBundle(readFileSync(join(oms, "vectors", "invalid", name)));
      assert.ok(!bundle.ok);
      assert.equal(bundle.issue.code, "BUNDLE_MALFORMED");
    });
  }

  test("the vector with a wrong predicate is read as a bundle and refused as a statement", () => {
    const path = join(oms, "vectors", "invalid-payload", "wrong-predicate.bundle.json");
    const bundle = parseBundle(readFileSync(path));
    assert.ok(bundle.ok);
    const statement = parseStatement(bundle.value.envelope.payload);
    assert.ok(!statement.ok);
    assert.equal(statement.issue.code, "PREDICATE_TYPE");
  });

  for (const name of readdirSync(join(oms, "historical"))) {
    test(`the historical bundle ${name} is read`, () => {
      const bundle = parseBundle(readFileSync(join(oms, "historical", name, "bundle.sig")));
      assert.ok(bundle.ok, bundle.ok ? "" : bundle.issue.message);
      const statement = parseStatement(bundle.value.envelope.payload);
      assert.ok(statement.ok, statement.ok ? "" : statement.issue.message);
      const { expected_signed_files: expected = ["signme-1", "signme-2"] } = readJson(
        ...["historical", name, "config.json"],
      );
      assert.deepEqual(
        statement.value.manifest.resources.map((resource) => resource.name),
        expected,
      );
    });
  }
}
