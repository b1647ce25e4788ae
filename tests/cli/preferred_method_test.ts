/** `sign MODEL` and `verify MODEL`: what is understood when the method is left out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf } from "../../cli/commands.ts";
import { parseArguments, type Request } from "../../cli/parser.ts";
import {
  CONTRACT_VERSION,
  ModelSigningError,
  type Option,
  type Plugin,
  Registry,
} from "../../core/mod.ts";
import { certificatePlugin, fsPlugin, keyPlugin } from "../../plugins/mod.ts";

function neverRun(): never {
  throw new Error("no provider may run while arguments are parsed");
}

const IDENTITY: readonly Option[] = [
  { name: "identity", type: "string", required: true, description: "who" },
  { name: "identity-provider", type: "string", required: true, description: "by whom" },
  { name: "use-staging", type: "boolean", description: "for tests" },
];
const TOKEN: Option = {
  name: "identity-token",
  type: "string",
  secret: true,
  description: "token",
};

/** Stands in for the method that is preferred. */
const sigstore: Plugin = {
  name: "preferred",
  version: "1",
  contract: CONTRACT_VERSION,
  providers: [
    { kind: "signer", id: "sigstore", summary: "Sign", options: [TOKEN], open: neverRun },
    {
      kind: "verifier",
      id: "sigstore",
      summary: "Verify",
      options: IDENTITY,
      describer: { describe: neverRun },
      open: neverRun,
    },
  ],
};

const OFFER = commandsOf(new Registry([keyPlugin, certificatePlugin, fsPlugin, sigstore]), "1");

function parse(...argv: readonly string[]): Request {
  return parseArguments(OFFER, argv, { columns: 80, colors: false });
}

function run(...argv: readonly string[]) {
  const request = parse(...argv);
  assert.equal(request.kind, "run");
  const { command, given, operand } = request as Extract<Request, { kind: "run" }>;
  return { method: command.path.join(" "), given, operand };
}

function text(...argv: readonly string[]): string {
  const request = parse(...argv);
  assert.equal(request.kind, "text");
  return (request as Extract<Request, { kind: "text" }>).text;
}

function misuse(...argv: readonly string[]): string {
  try {
    parse(...argv);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError && error.code === "USAGE", String(error));
    return `${error.message}\n${error.hint}`;
  }
  throw new assert.AssertionError({ message: `accepted: ${argv.join(" ")}` });
}

test("a method that is left out is sigstore, with flags before and after MODEL", () => {
  const given = { signature: "s", identity: "i", "identity-provider": "p" };
  const flags = ["--signature", "s", "--identity", "i", "--identity-provider=p"];
  for (const method of [[], ["sigstore"]]) {
    for (
      const rest of [
        ["./m", ...flags],
        [...flags, "./m"],
        [...flags.slice(0, 2), "./m", ...flags.slice(2)],
        [...flags, "--", "./m"],
      ]
    ) {
      assert.deepEqual(run("verify", ...method, ...rest), {
        method: "verify sigstore",
        given,
        operand: "./m",
      });
    }
  }
  assert.equal(run("--log-level", "debug", "verify", "--use-staging", "m").operand, "m");
  assert.equal(run("sign", "m").method, "sign sigstore");
});

test("what is missing is asked for in the name of sigstore", () => {
  for (const argv of [["verify"], ["sign"], ["sign", "--identity-token", "t"]]) {
    const { method, operand } = run(...argv);
    assert.equal(method, `${argv[0]} sigstore`);
    assert.equal(operand, undefined);
  }
});

test("a model that is called like a method can be named", () => {
  for (const name of ["key", "sigstore", "certificate"]) {
    assert.deepEqual(run("sign", `./${name}`), {
      method: "sign sigstore",
      given: {},
      operand: `./${name}`,
    });
    assert.deepEqual(run("sign", "--", name), {
      method: "sign sigstore",
      given: {},
      operand: name,
    });
    assert.equal(run("sign", "sigstore", name).operand, name);
    assert.equal(run("sign", name).method, `sign ${name}`);
  }
});

test("the value of a flag is not taken for the method", () => {
  assert.deepEqual(run("verify", "--signature", "key", "m"), {
    method: "verify sigstore",
    given: { signature: "key" },
    operand: "m",
  });
  assert.equal(run("sign", "--log-level", "debug", "key", "m").method, "sign key");
});

test("a flag of sigstore does not turn another method into it", () => {
  assert.match(misuse("sign", "key", "m", "--identity-token", "t"), /sign key has no flag/);
  assert.match(misuse("sign", "--identity-token", "t", "key", "m"), /sign key has no flag/);
  assert.match(misuse("verify", "key", "--identity", "i", "m"), /verify key has no flag/);
  assert.match(misuse("sign", "m", "--private-key", "k"), /sign sigstore has no flag/);
  assert.match(misuse("sign", "--private-key", "k", "key", "m"), /stands before/);
});

test("a method that is misspelt is told from a model", () => {
  for (
    const argv of [
      ["verify", "certficate", "./m"],
      ["verify", "certficate", "./m", "--certificate-chain", "ca.pem"],
      ["verify", "certficate", "--certificate-chain", "ca.pem", "./m"],
      ["verify", "--signature", "s", "certficate", "./m"],
      ["verify", "certficate", "--certificate-chain", "ca.pem"],
    ]
  ) assert.match(misuse(...argv), /no method "certficate"\ndid you mean certificate\?/);
  assert.match(misuse("sign", "pgp", "./m"), /"\.\/m"\n.*"pgp".*key, certificate, sigstore/);
  // Here the flag is misspelt, whatever the model is called.
  assert.match(misuse("sign", "certficate", "--identty-token", "t"), /--identity-token/);
});

test("a method that no plugin has is told from a model, with where it was looked for", () => {
  for (const rest of [["m", "--mine-key", "k"], ["--mine-key", "k", "m"], ["m"]]) {
    const told = misuse("sign", "mine", ...rest);
    assert.match(told, /"mine" is taken for the model.* model-signing-plugin-mine .*/);
    for (const flag of ["--plugin ", "--plugin-exec,", "PATH"]) {
      assert.ok(told.includes(flag), told);
    }
  }
  // Here a flag is misspelt.
  assert.ok(!misuse("sign", "mine", "--bogus", "k").includes("plugin"));
  // No method can have this name.
  assert.ok(!misuse("sign", "./mine", "m").includes("plugin"));
});

test("help is that of all methods without a model, and that of sigstore with one", () => {
  const family = text("verify", "--help");
  assert.match(family, /verify \[METHOD\] \[OPTIONS\] MODEL/);
  for (const part of ["key  ", "certificate  ", "sigstore  ", "Without METHOD, it is sigstore"]) {
    assert.ok(family.includes(part), part);
  }
  assert.equal(text("help", "verify"), family);
  for (const argv of [["verify", "m", "-h"], ["help", "verify", "sigstore"]]) {
    assert.match(text(...argv), /verify sigstore \[OPTIONS\] MODEL[^]*--identity-provider/);
  }
});

test("completion offers methods, paths and the flags of sigstore, and only those that fit", () => {
  const complete = (...line: readonly string[]) => text("completion", "bash", ...line);
  const first = complete("verify", "");
  for (const part of ["key", "certificate", "sigstore", "__FILE__"]) {
    assert.ok(first.includes(part), part);
  }
  assert.match(complete("verify", "--ident"), /--identity\s+--identity-provider/);
  assert.match(complete("verify", "./m", "--ident"), /--identity\s+--identity-provider/);
  assert.match(complete("verify", "sigstore", "./m", "--ident"), /--identity-provider/);
  assert.ok(!complete("verify", "key", "./m", "--").includes("--identity"));
  assert.ok(!complete("verify", "./m", "--").includes("--public-key"));
  assert.match(complete("verify", "--signature", ""), /^__FILE__:file/);
  assert.ok(!complete("sign", "--identity-token", "").includes("certificate"));
});
