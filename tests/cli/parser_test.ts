import assert from "node:assert/strict";
import { test } from "node:test";
import { commandsOf } from "../../cli/commands.ts";
import { parseArguments, type Request } from "../../cli/parser.ts";
import { CONTRACT_VERSION, ModelSigningError, type Plugin, Registry } from "../../core/mod.ts";

function neverRun(): never {
  throw new Error("no provider may run while arguments are parsed");
}

/** Signers with the options that a parser can trip over. */
function plugin(...signers: readonly string[]): Plugin {
  return {
    name: "example",
    version: "1",
    contract: CONTRACT_VERSION,
    providers: signers.map((id) => ({
      kind: "signer",
      id,
      summary: `Sign with ${id}`,
      options: [
        { name: "private-key", type: "file", required: true, description: "a key" },
        { name: "password", type: "string", secret: true, description: "a password" },
        { name: "certificate-chain", type: "file", repeatable: true, description: "CAs" },
        // Displaced by the program's own flag.
        { name: "log-level", type: "integer", description: "another thing" },
      ],
      examples: [`model-signing sign ${id} ./model --private-key k.pem`],
      open: neverRun,
    })),
  };
}

function parse(argv: readonly string[], methods: readonly string[] = ["key"]): Request {
  const offer = commandsOf(new Registry([plugin(...methods)]), "1.2.3");
  return parseArguments(offer, argv, { columns: 80, colors: false });
}

function run(argv: readonly string[], methods?: readonly string[]) {
  const request = parse(argv, methods);
  assert.equal(request.kind, "run");
  return request as Extract<Request, { kind: "run" }>;
}

function usage(argv: readonly string[], methods?: readonly string[]): ModelSigningError {
  try {
    parse(argv, methods);
  } catch (error) {
    assert.ok(error instanceof ModelSigningError, String(error));
    assert.equal(error.code, "USAGE");
    return error;
  }
  throw new assert.AssertionError({ message: `accepted: ${argv.join(" ")}` });
}

test("parseArguments() takes options before and after MODEL, with = and with a space", () => {
  for (
    const argv of [
      ["sign", "key", "m", "--private-key", "k"],
      ["sign", "key", "--private-key=k", "m"],
    ]
  ) {
    const { command, given, operand } = run(argv);
    assert.deepEqual(command.path, ["sign", "key"]);
    assert.deepEqual(given, { "private-key": "k" });
    assert.equal(operand, "m");
  }
});

test("parseArguments() takes global options anywhere", () => {
  for (
    const argv of [
      ["--log-level", "debug", "sign", "key", "m"],
      ["sign", "--log-level=DEBUG", "key", "m"],
      ["sign", "key", "m", "-t", "30", "--log_level", "debug"],
    ]
  ) assert.equal(run(argv).given["log-level"], "debug");
});

test("parseArguments() takes _ for - in flags, not in values", () => {
  const { given } = run(["sign", "key", "m", "--private_key=a_b", "--certificate_chain", "c_d"]);
  assert.deepEqual(given, { "private-key": "a_b", "certificate-chain": ["c_d"] });
});

test("parseArguments() collects a repeatable option in order", () => {
  const { given } = run(["sign", "key", "m", "--certificate-chain", "b", "--certificate-chain=a"]);
  assert.deepEqual(given["certificate-chain"], ["b", "a"]);
});

test("parseArguments() takes everything after -- as it stands", () => {
  assert.equal(run(["sign", "key", "--", "--private_key"]).operand, "--private_key");
});

test("parseArguments() tells an absent option from one that is switched off", () => {
  assert.ok(!("allow-symlinks" in run(["digest", "m"]).given));
  assert.equal(run(["digest", "m", "--no-allow-symlinks"]).given["allow-symlinks"], false);
  assert.equal(run(["digest", "m", "--allow_symlinks"]).given["allow-symlinks"], true);
});

test("parseArguments() refuses a repeated option and contradicting ones", () => {
  usage(["sign", "key", "m", "--private-key", "a", "--private-key", "b"]);
  usage(["digest", "m", "--allow-symlinks", "--no-allow-symlinks"]);
  usage(["digest", "m", "--allow-symlinks", "--allow-symlinks"]);
});

test("parseArguments() refuses malformed, empty and missing values", () => {
  usage(["digest", "m", "--jobs", "x"]);
  usage(["digest", "m", "--jobs", "0"]);
  usage(["digest", "m", "--shard-size", "1M"]);
  usage(["digest", "m", "--hash-algorithm", "md5"]);
  usage(["digest", "m", "--timeout", "0"]);
  usage(["digest", "m", "--files=yes"]);
  usage(["digest", ""]);
  usage(["sign", "key", "m", "--private-key", ""]);
  usage(["sign", "key", "m", "--private-key"]);
});

test("parseArguments() takes no flag of the command for the value of another one", () => {
  for (
    const [rest, hint] of [
      [["--private-key", "--signature"], "--private-key=--signature"],
      [["--private-key", "--signature", "x"], "--private-key=--signature"],
      [["--private-key", "--certificate_chain", "x"], "--private-key=--certificate_chain"],
      [["--private-key", "--password=hunter2"], "--private-key=--password=..."],
      [["--signature", "--no-allow-symlinks"], "--signature=--no-allow-symlinks"],
      [["--output-file", "-t", "3"], "--output-file=-t"],
      [["-t", "--no-progress"], "-t=--no-progress"],
      [["--private_key", "--help"], "--private-key=--help"],
      [["--private-key", "-h"], "--private-key=-h"],
      [["--private-key", "--", "m"], "--private-key=--"],
    ] as const
  ) {
    const error = usage(["sign", "key", "m", ...rest]);
    assert.match(error.message, /needs a value/);
    assert.ok(error.hint?.endsWith(hint), error.hint);
  }
  // Neither is a flag of this command.
  for (const value of ["-", "-5", "-x", "--public-key", "--no-such-flag", "---"]) {
    assert.equal(run(["sign", "key", "m", "--signature", value]).given["signature"], value);
  }
  const { given } = run(["sign", "key", "m", "--private-key=--signature"]);
  assert.equal(given["private-key"], "--signature");
});

test("parseArguments() suggests a similar flag, command or method", () => {
  assert.match(usage(["sign", "key", "m", "--privat-key", "k"]).hint!, /--private-key/);
  assert.match(usage(["sgin", "key", "m"]).hint!, /sign/);
  assert.match(usage(["sign", "certifcate", "m"], ["certificate"]).hint!, /certificate/);
  assert.match(usage(["digest", "m", "--private-key", "k"]).hint!, /sign key/);
});

test("parseArguments() suggests for a letter only what begins with it", () => {
  assert.match(usage(["digest", "m", "-j", "2"]).hint!, /--jobs/);
  assert.match(usage(["digest", "m", "-x"]).hint!, /model-signing digest --help/);
});

test("parseArguments() knows a flag by its letters, and else names the page that has all of them", () => {
  const hintOf = (flag: string) => usage(["sign", "key", "m", flag, "k"]).hint;
  assert.equal(hintOf("--prkey"), "did you mean --private-key?");
  assert.equal(hintOf("--certchain"), "did you mean --certificate-chain?");
  assert.equal(hintOf("--key"), "did you mean --private-key?");
  for (const flag of ["--nothing-like-it", "--yek", "--p"]) {
    assert.equal(hintOf(flag), "model-signing sign key --help lists the flags", flag);
  }
  assert.equal(usage(["plugin", "--bogus"]).hint, "model-signing plugin --help lists the flags");
  assert.equal(usage(["--nothing-like-it"]).hint, "model-signing --help lists the flags");
});

test("parseArguments() says which page help has not", () => {
  assert.match(usage(["help", "sgin"]).hint!, /sign/);
  assert.match(usage(["help", "sign", "kye"]).hint!, /key/);
  assert.match(usage(["help", "sign", "key", "more"]).message, /more/);
  assert.match(usage(["help", "version", "more"]).message, /more/);
});

test("parseArguments() never repeats the value of an unknown flag", () => {
  const error = usage(["sign", "key", "m", "--pasword=hunter2"]);
  assert.ok(!`${error.message} ${error.hint}`.includes("hunter2"));
});

test("parseArguments() names the methods when there is no default one", () => {
  for (const argv of [["sign"], ["sign", "model"]]) {
    assert.match(usage(argv, ["key", "certificate"]).hint!, /key, certificate/);
  }
});

test("parseArguments() takes sigstore for a method that is left out, once there is one", () => {
  const methods = ["key", "sigstore"];
  assert.deepEqual(run(["sign", "model"], methods).command.path, ["sign", "sigstore"]);
  assert.deepEqual(run(["sign", "sigstore", "model"], methods).command.path, ["sign", "sigstore"]);
  assert.equal(run(["sign", "model", "--private-key", "k"], methods).operand, "model");
  assert.deepEqual(run(["sign", "key", "model"], methods).command.path, ["sign", "key"]);
  assert.equal(run(["sign", "./key"], methods).operand, "./key");
});

test("parseArguments() takes a model that is called like a command or a method", () => {
  const methods = ["key", "certificate", "sigstore"];
  for (const name of ["digest", "sign", "certificate", "sigstore", "help", "version"]) {
    const { command, operand } = run(["sign", "key", name], methods);
    assert.deepEqual(command.path, ["sign", "key"]);
    assert.equal(operand, name);
    assert.equal(run(["digest", "--files", name], methods).operand, name);
  }
});

test("parseArguments() refuses a second operand and no command at all", () => {
  usage(["digest", "a", "b"]);
  usage([]);
  usage(["--log-level", "debug"]);
  usage(["--"]);
});

test("parseArguments() takes no flag after -- for one that stands in another place", () => {
  for (const args of [["digest", "--", "m", "--jobs"], ["sign", "key", "--", "m", "--jobs=3"]]) {
    assert.match(usage(args).message, /unexpected argument "--jobs"/);
  }
});

test("parseArguments() escapes what it repeats", () => {
  const error = usage(["\x1b[31mred", "x"]);
  assert.ok(!error.message.includes("\x1b"));
});

test("parseArguments() lets the program's own flags win over a provider's", () => {
  assert.equal(run(["sign", "key", "m", "--log-level", "warning"]).given["log-level"], "warn");
});

test("parseArguments() shows help anywhere, without running a provider", () => {
  for (
    const argv of [
      ["--help"],
      ["help"],
      ["sign", "--help"],
      ["sign", "key", "-h"],
      ["help", "sign", "key"],
      ["sign", "key", "m", "--private-key", "k", "--help"],
    ]
  ) {
    const request = parse(argv);
    assert.equal(request.kind, "text");
    assert.match((request as { text: string }).text, /Usage: model-signing/);
  }
  for (const argv of [["--help", "sign", "key"], ["sign", "-h", "key"]]) {
    assert.deepEqual(parse(argv), parse(["sign", "key", "--help"]));
  }
});

test("parseArguments() describes every option with default, variable and examples", () => {
  const { text } = parse(["sign", "key", "--help"]) as { text: string };
  const flat = text.replace(/\s+/g, " ");
  for (
    const part of [
      "--signature FILE",
      "[default: model.sig,",
      "[env: MODEL_SIGNING_SIGNATURE]",
      "--private-key",
      "[required]",
      "--ignore-git-paths, --no-ignore-git-paths",
      "--shard-size BYTES",
      "Method options:",
      "Model options:",
      "Global options:",
      "Examples: model-signing sign key ./model --private-key k.pem",
    ]
  ) assert.ok(flat.includes(part), part);
  // Settings that count on the command line only have no variable.
  assert.ok(!flat.includes("MODEL_SIGNING_IGNORE"));
  assert.ok(!flat.includes("MODEL_SIGNING_ALLOW_SYMLINKS"));
});

test("parseArguments() wraps help to the terminal", () => {
  const offer = commandsOf(new Registry([plugin("key")]), "1.2.3");
  const request = parseArguments(offer, ["sign", "key", "-h"], { columns: 60, colors: false });
  assert.equal(request.kind, "text");
  for (const line of (request as { text: string }).text.split("\n")) {
    // Example lines and single long words, such as variables, cannot be broken.
    const breakable = / [^ ]/.test(line.trim()) && !/^ {2}(?:model-signing|--)/.test(line);
    assert.ok(line.length <= 60 || !breakable, line);
    assert.equal(line, line.trimEnd());
  }
});

test("parseArguments() tells the version", () => {
  for (const argv of [["version"], ["--version"]]) {
    assert.deepEqual(parse(argv), { kind: "text", text: "model-signing 1.2.3\n" });
  }
});
