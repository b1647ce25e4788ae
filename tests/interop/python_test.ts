/** The Python tool's command line beside ours: what one signs, the other verifies. */

import assert from "node:assert/strict";
import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { cli } from "../support/cli.ts";
import { assertRejected, assertStatus } from "../support/outcome.ts";
import { type KeyType, Pki } from "../support/pki.ts";
import { pythonTest, type PythonTool } from "../support/python_tool.ts";
import { TsaServer } from "../support/tsa_server.ts";
import { reply, tsaCertificate } from "../plugins/_rfc3161/_authority.ts";
import { signedStatement } from "./payload.ts";
import { ROUGH_TREE, writeTree } from "./sample_model.ts";

const CURVES: readonly KeyType[] = ["P-256", "P-384", "P-521"];

/** Where everything of a test lies. */
type Scene = { readonly model: string; readonly signature: string; readonly pki: Pki };

/** A way to sign and to verify, as the flags of both tools. */
type Method = {
  readonly name: string;
  readonly sign: readonly string[];
  readonly verify: readonly string[];
};

function scene(pki: Pki): Scene {
  const model = writeTree(join(pki.directory, "model"), ROUGH_TREE);
  return { model, signature: join(pki.directory, "model.sig"), pki };
}

function keyMethod(pki: Pki, type: KeyType = "P-256"): Method {
  const key = pki.key(type);
  const publicKey = `${key}.pub`;
  pki.openssl(["pkey", "-in", key, "-pubout", "-out", publicKey]);
  return { name: "key", sign: ["--private_key", key], verify: ["--public_key", publicKey] };
}

/** A leaf below an intermediate CA, which travels in the signature. */
function certificateMethod(pki: Pki, type: KeyType): Method {
  const root = pki.root({ from: -3 });
  const intermediate = pki.intermediate(root, { from: -2 });
  const leaf = pki.leaf(intermediate, { key: type });
  return {
    name: "certificate",
    sign: [
      ...["--private_key", leaf.key, "--signing_certificate", leaf.certificate],
      ...["--certificate_chain", intermediate.certificate],
    ],
    verify: ["--certificate_chain", root.certificate],
  };
}

function pythonSigns(
  tool: PythonTool,
  { model, signature, pki }: Scene,
  method: Method,
  more: readonly string[] = [],
): void {
  const args = ["sign", method.name, model, "--signature", signature, ...method.sign, ...more];
  assertStatus(tool.run(args, pki.directory), 0, "the Python tool signs");
}

function pythonVerifies(
  tool: PythonTool,
  { model, signature, pki }: Scene,
  method: Method,
  more: readonly string[] = [],
): number | null {
  const args = ["verify", method.name, model, "--signature", signature, ...method.verify, ...more];
  return tool.run(args, pki.directory).status;
}

async function weSign(
  { model, signature, pki }: Scene,
  method: Method,
  more: readonly string[] = [],
): Promise<void> {
  const args = ["sign", method.name, model, "--signature", signature, ...method.sign, ...more];
  assertStatus(await cli(args, { cwd: pki.directory }), 0, "we sign");
}

async function weVerify(
  { model, signature, pki }: Scene,
  method: Method,
  more: readonly string[] = [],
) {
  const args = ["verify", method.name, model, "--signature", signature, ...method.verify, ...more];
  return await cli([...args, "--format", "json"], { cwd: pki.directory });
}

async function weAccept(at: Scene, method: Method, more: readonly string[] = []): Promise<void> {
  assertStatus(await weVerify(at, method, more), 0, "we verify");
}

const METHODS = [
  { name: "key", make: keyMethod },
  { name: "certificate", make: certificateMethod },
] as const;

for (const curve of CURVES) {
  for (const { name, make } of METHODS) {
    pythonTest(
      `verify ${name} takes a Python signature by ${curve}, and finds tampering`,
      async (tool) => {
        using pki = new Pki();
        const [at, by] = [scene(pki), make(pki, curve)];
        pythonSigns(tool, at, by);
        await weAccept(at, by);
        appendFileSync(join(at.model, "onnx", "w"), "!");
        assertRejected(await weVerify(at, by), ["FILE_MODIFIED"]);
      },
    );

    pythonTest(
      `Python takes a signature of sign ${name} by ${curve}, and finds tampering`,
      async (tool) => {
        using pki = new Pki();
        const [at, by] = [scene(pki), make(pki, curve)];
        await weSign(at, by);
        assert.equal(pythonVerifies(tool, at, by), 0);
        appendFileSync(join(at.model, "onnx", "w"), "!");
        assert.equal(pythonVerifies(tool, at, by), 1);
      },
    );
  }
}

for (const { name, make } of METHODS) {
  pythonTest(`Python takes a signature of sign ${name} with a timestamp`, async (tool) => {
    using pki = new Pki();
    const [at, by] = [scene(pki), make(pki, "P-256")];
    const authority = pki.root();
    const tsa = tsaCertificate(pki, authority);
    await using server = await TsaServer.start((query) => reply(pki, tsa, query));
    await weSign(at, by, ["--tsa_url", server.url.href]);
    await weAccept(at, by, [
      "--tsa_certificate_chain",
      authority.certificate,
      "--require_timestamp",
    ]);
    assert.equal(pythonVerifies(tool, at, by), 0);
  });
}

pythonTest("both tools refuse each other's signature under another key", async (tool) => {
  using pki = new Pki();
  const [at, by, other] = [scene(pki), keyMethod(pki), keyMethod(pki)];
  await weSign(at, by);
  assert.equal(pythonVerifies(tool, at, other), 1);
  pythonSigns(tool, at, by);
  assertRejected(await weVerify(at, other), ["KEY_HINT_MISMATCH", "SIGNATURE_INVALID"]);
});

pythonTest("both tools refuse each other's signature under another CA", async (tool) => {
  using pki = new Pki();
  const [at, by, other] = [
    scene(pki),
    certificateMethod(pki, "P-256"),
    certificateMethod(pki, "P-256"),
  ];
  await weSign(at, by);
  assert.equal(pythonVerifies(tool, at, other), 1);
  pythonSigns(tool, at, by);
  assertRejected(await weVerify(at, other), ["CERTIFICATE_UNTRUSTED"]);
});

pythonTest("a leaf directly below its root is accepted in both directions", async (tool) => {
  using pki = new Pki();
  const at = scene(pki);
  const root = pki.root({ from: -3 });
  const leaf = pki.leaf(root);
  const credentials = ["--private_key", leaf.key, "--signing_certificate", leaf.certificate];
  const verify = ["--certificate_chain", root.certificate];
  await weSign(at, { name: "certificate", sign: credentials, verify });
  assert.equal(pythonVerifies(tool, at, { name: "certificate", sign: [], verify }), 0);
  // The Python tool cannot sign without a chain.
  const by = { name: "certificate", sign: [...credentials, ...verify], verify };
  pythonSigns(tool, at, by);
  await weAccept(at, by);
});

pythonTest("missing and unsigned files are found in both directions", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const [extra, listed] = [join(at.model, "extra.py"), join(at.model, "a.txt")];
  for (const sign of [() => weSign(at, by), () => pythonSigns(tool, at, by)]) {
    await sign();
    writeFileSync(extra, "import os");
    assert.equal(pythonVerifies(tool, at, by), 1);
    assertRejected(await weVerify(at, by), ["FILE_UNSIGNED"]);
    unlinkSync(extra);
    const content = readFileSync(listed);
    unlinkSync(listed);
    assert.equal(pythonVerifies(tool, at, by), 1);
    assertRejected(await weVerify(at, by), ["FILE_MISSING"]);
    writeFileSync(listed, content);
  }
});

pythonTest("--ignore-unsigned-files forgives additions only, in both directions", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const flag = ["--ignore_unsigned_files"];
  for (const sign of [() => weSign(at, by), () => pythonSigns(tool, at, by)]) {
    await sign();
    writeFileSync(join(at.model, "extra.py"), "import os");
    assert.equal(pythonVerifies(tool, at, by, flag), 0);
    await weAccept(at, by, flag);
    appendFileSync(join(at.model, "config.json"), " ");
    assert.equal(pythonVerifies(tool, at, by, flag), 1);
    assertRejected(await weVerify(at, by, flag), ["FILE_MODIFIED"]);
    unlinkSync(join(at.model, "extra.py"));
  }
});

pythonTest("ignored paths are recorded, so that the other tool needs no flags", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const ignored = ["onnx", "a/b/c/deep.txt", "empty.bin"].map((path) => join(at.model, path));
  const flags = ignored.flatMap((path) => ["--ignore-paths", path]);
  for (const sign of [() => weSign(at, by, flags), () => pythonSigns(tool, at, by, flags)]) {
    await sign();
    const names = signedStatement(at.signature).predicate.resources.map(({ name }) => name);
    assert.ok(names.includes("a.txt"));
    assert.ok(!names.some((name) => name.startsWith("onnx/") || name.startsWith("a/")));
    appendFileSync(join(at.model, "onnx", "w"), "not covered");
    assert.equal(pythonVerifies(tool, at, by), 0);
    await weAccept(at, by);
  }
});

pythonTest(
  "a relative ignore path of the Python tool's kind means the same file to both",
  async (tool) => {
    using pki = new Pki();
    const [at, by] = [scene(pki), keyMethod(pki)];
    // The Python tool reads it from the current folder, which is the model's parent here.
    const flags = ["--ignore-paths", `${basename(at.model)}/onnx`];
    pythonSigns(tool, at, by, flags);
    const theirs = signedStatement(at.signature);
    await weSign(at, by, flags);
    const ours = signedStatement(at.signature);
    assert.deepEqual(
      ours.predicate.serialization.ignore_paths,
      theirs.predicate.serialization.ignore_paths?.toSorted(),
    );
  },
);

pythonTest("an ignore path outside the model means nothing to both", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const recorded = () => signedStatement(at.signature).predicate.serialization.ignore_paths;
  for (const path of [at.signature, "/", "/etc/passwd"]) {
    const flags = ["--ignore-paths", path];
    pythonSigns(tool, at, by, flags);
    const theirs = recorded()?.toSorted();
    await weAccept(at, by, flags);
    await weSign(at, by, flags);
    assert.deepEqual(recorded(), theirs, path);
    assert.equal(pythonVerifies(tool, at, by, flags), 0);
  }
});

pythonTest("verify accepts ignore paths in the Python tool's changing order", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const flags = ["config.json", "onnx", "b", "a.txt"].flatMap((
    path,
  ) => ["--ignore-paths", join(at.model, path)]);
  const orders = new Set<string>();
  for (let run = 0; run < 3; run++) {
    pythonSigns(tool, at, by, flags);
    await weAccept(at, by);
    orders.add(`${signedStatement(at.signature).predicate.serialization.ignore_paths}`);
  }
  // Eight paths: the same order three times over would be a coincidence of 1 in 1.6 thousand million.
  assert.ok(orders.size > 1, "the Python tool has begun to sort: this test is no longer needed");
});

pythonTest("ignore paths given when verifying are taken by both tools", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  for (const sign of [() => weSign(at, by), () => pythonSigns(tool, at, by)]) {
    mkdirSync(join(at.model, "logs"), { recursive: true });
    await sign();
    writeFileSync(join(at.model, "logs", "today"), "added later");
    const flags = ["--ignore-paths", join(at.model, "logs")];
    assert.equal(pythonVerifies(tool, at, by), 1);
    assert.equal(pythonVerifies(tool, at, by, flags), 0);
    assertRejected(await weVerify(at, by), ["FILE_UNSIGNED"]);
    await weAccept(at, by, flags);
    unlinkSync(join(at.model, "logs", "today"));
  }
});

pythonTest("a signature inside the model is left out by both tools", async (tool) => {
  using pki = new Pki();
  const at = { ...scene(pki), signature: join(pki.directory, "model", "model.sig") };
  const by = keyMethod(pki);
  for (const sign of [() => weSign(at, by), () => pythonSigns(tool, at, by)]) {
    await sign();
    assert.equal(pythonVerifies(tool, at, by), 0);
    await weAccept(at, by);
  }
});

pythonTest("signed git paths are verified by both tools", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  const flag = ["--no-ignore-git-paths"];
  for (const sign of [() => weSign(at, by, flag), () => pythonSigns(tool, at, by, flag)]) {
    await sign();
    const names = signedStatement(at.signature).predicate.resources.map(({ name }) => name);
    assert.ok(names.includes(".git/HEAD") && names.includes(".gitignore"));
    assert.equal(pythonVerifies(tool, at, by, flag), 0);
    // Ours need not be told: what is listed is hashed.
    await weAccept(at, by);
    appendFileSync(join(at.model, ".git", "HEAD"), "!");
    assert.equal(pythonVerifies(tool, at, by, flag), 1);
    assertRejected(await weVerify(at, by), ["FILE_MODIFIED"]);
  }
});

pythonTest("followed file links are verified by both tools", async (tool) => {
  using pki = new Pki();
  const [at, by] = [scene(pki), keyMethod(pki)];
  symlinkSync("../config.json", join(at.model, "onnx", "link.json"));
  const flag = ["--allow_symlinks"];
  for (const sign of [() => weSign(at, by, flag), () => pythonSigns(tool, at, by, flag)]) {
    await sign();
    assert.equal(pythonVerifies(tool, at, by, flag), 0);
    await weAccept(at, by);
    assertRejected(await weVerify(at, by, ["--no-allow-symlinks"]), ["SYMLINKS_REFUSED"]);
  }
});

pythonTest('verify accepts a single file that the Python tool signed as "."', async (tool) => {
  using pki = new Pki();
  const model = join(pki.directory, "weights.bin");
  writeFileSync(model, "weights");
  const at = { model, signature: join(pki.directory, "weights.sig"), pki };
  const by = keyMethod(pki);
  pythonSigns(tool, at, by);
  const theirs = signedStatement(at.signature);
  assert.deepEqual(theirs.predicate.resources.map(({ name }) => name), ["."]);
  await weAccept(at, by);
  // The Python tool compares names and so refuses what the specification wants: only the digests are comparable.
  await weSign(at, by);
  const ours = signedStatement(at.signature);
  assert.deepEqual(ours.predicate.resources.map(({ name }) => name), ["weights.bin"]);
  assert.equal(ours.subject[0].digest.sha256, theirs.subject[0].digest.sha256);
  appendFileSync(model, "!");
  pythonSigns(tool, at, by);
  writeFileSync(model, "weights");
  assertRejected(await weVerify(at, by), ["FILE_MODIFIED"]);
});

pythonTest("digest prints the root digest that the Python tool signs", async (tool) => {
  using pki = new Pki();
  const at = { ...scene(pki), model: join(pki.directory, "plain") };
  // Without names that the two sort differently.
  writeTree(at.model, {
    "config.json": "{}",
    "weights/1.bin": "one",
    "weights/2.bin": "two",
    "empty": "",
  });
  pythonSigns(tool, at, keyMethod(pki));
  const digest = await cli(["digest", at.model]);
  assertStatus(digest, 0, "digest");
  assert.equal(digest.stdout, `sha256:${signedStatement(at.signature).subject[0].digest.sha256}\n`);
});
