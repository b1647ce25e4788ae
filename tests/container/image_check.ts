/** The image, and the containers of examples/kubernetes in it: `deno task container:check`. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import {
  chmod,
  copyFile,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { leftOutTest } from "../support/left_out.ts";
import { FOLDER, LAYERS, ociDesk } from "../support/oci_cli.ts";
import { pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertStatus, assertVerdict, outcomeOf } from "../support/outcome.ts";
import { ROOT } from "../support/project.ts";
import { pythonTest } from "../support/python_tool.ts";
import { startTestRegistry } from "../support/registry.ts";
import { startSigstore } from "../support/sigstore.ts";
import { IDENTITY } from "../support/sigstore_cli.ts";
import { type Workbench, workbench } from "../support/workbench.ts";
import { buildImage, type Image, type Mount, whyNoImage } from "./image.ts";
import { type Container, programContainer } from "./manifests.ts";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
  readonly version: string;
};

let built: Image | undefined;
after(() => built?.[Symbol.dispose]());

/** A test with the image, which is built once. */
function imageTest(name: string, body: (image: Image) => void | Promise<void>): void {
  const reason = whyNoImage();
  if (reason !== undefined) return leftOutTest(name, reason);
  test(name, () => body(built ??= buildImage()));
}

/** A test with the image and the program's containers in files with manifests. */
function manifestTest(
  name: string,
  files: readonly string[],
  body: (image: Image, containers: readonly Container[]) => Promise<void>,
): void {
  const reason = whyNoImage();
  if (reason !== undefined) return leftOutTest(name, reason);
  pythonTest(name, (tool) => {
    const containers = files.map((file) => programContainer(tool, file));
    return body(built ??= buildImage(), containers);
  });
}

/** A folder on a workbench that any user may read, or also write to. */
async function folder(bench: Workbench, name: string, mode = 0o755): Promise<string> {
  const path = join(bench.path, name);
  await mkdir(path, { recursive: true });
  await chmod(path, mode);
  return path;
}

/** The keys of a workbench in a folder of their own. */
async function keys(bench: Workbench): Promise<string> {
  const path = await folder(bench, "keys");
  for (const name of ["key.pem", "key.pub"]) {
    await copyFile(join(bench.path, name), join(path, name));
  }
  return path;
}

/** The mounts of a container, with a folder for each volume. */
function mountsOf(
  { volumeMounts }: Container,
  volumes: Readonly<Record<string, string>>,
): readonly Mount[] {
  return volumeMounts.map(({ name, mountPath, readOnly, subPath = "" }) => ({
    from: join(volumes[name]!, subPath),
    to: mountPath,
    writable: readOnly !== true,
  }));
}

test("what .containerignore lets through is enough to compile the program", async () => {
  const context = await mkdtemp(join(tmpdir(), "model-signing-context-"));
  try {
    const lines = (await readFile(join(ROOT, ".containerignore"), "utf8")).split("\n");
    const allowed = lines.flatMap((line) => line.startsWith("!") ? [line.slice(1)] : []);
    for (const name of allowed.filter((name) => existsSync(join(ROOT, name)))) {
      await cp(join(ROOT, name), join(context, name), { recursive: true });
    }
    await symlink(join(ROOT, "node_modules"), join(context, "node_modules"));
    const run = outcomeOf([process.execPath, "run", "-A", "cli/compile.ts"], { cwd: context });
    assertStatus(run, 0, "compile");
    assert.ok(existsSync(join(context, "dist", "model-signing")));
  } finally {
    await rm(context, { recursive: true, force: true });
  }
});

imageTest("the image holds the program, what it needs, and no shell", (image) => {
  const { config, files } = image;
  assert.deepEqual(config.Entrypoint, ["/usr/local/bin/model-signing"]);
  assert.deepEqual(config.Cmd, ["--help"]);
  assert.match(config.User, /^[1-9]\d+:[1-9]\d+$/);
  const [, authorities = ""] = /^SSL_CERT_FILE=(.+)$/m.exec(config.Env.join("\n")) ?? [];
  assert.ok(files.includes(authorities), config.Env.join(" "));
  const { Labels: labels } = config;
  assert.equal(labels["org.opencontainers.image.version"], version);
  assert.equal(labels["org.opencontainers.image.licenses"], "Apache-2.0");
  assert.equal(labels["org.opencontainers.image.source"], "https://example.com/source");
  assert.deepEqual(files.filter((file) => !/^\/lib(64)?\//.test(file)), [
    ...["/etc/group", "/etc/nsswitch.conf", "/etc/passwd", "/etc/ssl/certs/ca-certificates.crt"],
    "/licenses/LICENSE",
    "/usr/local/bin/model-signing",
    ...["/usr/local/bin/model_signing", "/usr/local/bin/model_transparency_cli"],
  ]);
  const run = image.runByBuildah(["version"]);
  assertStatus(run, 0, "buildah run");
  assert.equal(run.stdout, `model-signing ${version}\n`);
});

imageTest(
  "the image signs and verifies with a read-only root and no /tmp, by other images' arguments",
  async (image) => {
    await using bench = await workbench();
    const model = await folder(bench, "model");
    const out = await folder(bench, "out", 0o777);
    const scratch = await folder(bench, "scratch", 0o777);
    const mounts: readonly Mount[] = [
      { from: model, to: "/data" },
      { from: await keys(bench), to: "/keys" },
      { from: out, to: "/out", writable: true },
    ];
    // Native BLAKE3 has to be unpacked to a folder, and there is none.
    const signing = [
      "sign",
      "key",
      "/data",
      "--private-key=/keys/key.pem",
      "--hash-algorithm=blake3",
    ];
    assertStatus(image.run([...signing, "--signature=/out/model.sig"], { mounts }), 0, "sign");
    assertFault(
      image.run([...signing, "--signature=/model.sig"], { mounts }),
      3,
      "FILE_UNWRITABLE",
    );
    // As the model validation operator runs the Python tool's image.
    const verifying = [
      ...["verify", "key", "--signature=/out/model.sig", "--public_key", "/keys/key.pub"],
      ...["--ignore-paths", "/data/.cache", "--ignore-git-paths", "--no-ignore_unsigned_files"],
      "/data",
    ];
    const command = ["/usr/local/bin/model_signing"];
    assertStatus(image.run(verifying, { mounts, command }), 0, "verify");
    const withScratch: readonly Mount[] = [
      ...mounts,
      { from: scratch, to: "/scratch", writable: true },
    ];
    const env = { TMPDIR: "/scratch" };
    assertStatus(image.run(verifying, { mounts: withScratch, env }), 0, "verify with TMPDIR");
    assert.equal((await readdir(scratch)).length, 1, "native BLAKE3 was not unpacked");
    await writeFile(join(model, "config.json"), "{}");
    const changed = image.run(verifying, { mounts, command: ["model_transparency_cli"] });
    assertStatus(changed, 1, "verify a changed model");
  },
);

manifestTest(
  "verify-volume.yaml and recheck.yaml let a signed model pass, and a changed one not",
  ["verify-volume.yaml", "recheck.yaml"],
  async (image, [verify, recheck]) => {
    await using bench = await workbench();
    const volume = await folder(bench, "volume");
    await bench.write({ "volume/bert/config.json": "{}", "volume/bert/weights.bin": "weights" });
    const model = await folder(bench, "volume/bert", 0o777);
    const policy = await keys(bench);
    const signing: readonly Mount[] = [
      { from: model, to: "/model", writable: true },
      { from: policy, to: "/keys" },
    ];
    const args = ["sign", "key", "/model", "--private-key=/keys/key.pem"];
    assertStatus(
      image.run([...args, "--signature=/model/model.sig"], { mounts: signing }),
      0,
      "sign",
    );
    const mounts = mountsOf(verify!, { model: volume, policy });
    assert.ok(mounts.every(({ writable }) => !writable));
    assertStatus(image.run(verify!.args, { mounts }), 0, "verify");
    await writeFile(join(model, "backdoor.py"), "");
    assertStatus(image.run(verify!.args, { mounts }), 1, "verify a changed model");
    const rechecked = image.run(recheck!.args, {
      mounts: mountsOf(recheck!, { model: volume, policy }),
    });
    assertVerdict(rechecked, "rejected", 1, ["FILE_UNSIGNED"]);
  },
);

manifestTest(
  "pull-model.yaml pulls a model that the right identity signed, and no other",
  ["pull-model.yaml"],
  async (image, [container]) => {
    await using desk = await ociDesk();
    await using sigstore = await startSigstore();
    await using registry = await startTestRegistry();
    const digest = await pushModel(registry.host, { layers: LAYERS });
    const model = `oci://${registry.host}/${REPOSITORY}@${digest}`;
    const token = await sigstore.token({});
    const trusting = ["--trust-config", sigstore.trustConfig];
    const signed = await desk.run(["sign", model, "--identity-token", token, ...trusting]);
    assertStatus(signed, 0, "sign");

    const policy = await folder(desk, "policy");
    const identities = { identity: IDENTITY, identity_provider: sigstore.issuer };
    await writeFile(join(policy, "policy.json"), JSON.stringify(identities));
    await copyFile(sigstore.trustConfig, join(policy, "trust.json"));
    const credentials = await folder(desk, "credentials");
    await writeFile(join(credentials, "config.json"), JSON.stringify({ auths: {} }));
    const models = await folder(desk, "models", 0o777);
    const env = Object.fromEntries((container!.env ?? []).map(({ name, value }) => [name, value]));
    const args = [
      ...container!.args.map((arg) => arg.startsWith("oci://") ? model : arg),
      // Of this registry and this Sigstore.
      "--trust-config=/policy/trust.json",
    ];
    const mounts = mountsOf(container!, { models, policy, credentials });
    const options = { mounts, env, network: true };

    await writeFile(
      join(policy, "policy.json"),
      JSON.stringify({ ...identities, identity: "else@example.com" }),
    );
    assertStatus(image.run(args, options), 1, "another identity");
    assert.deepEqual(await readdir(models), []);
    await writeFile(join(policy, "policy.json"), JSON.stringify(identities));
    assertStatus(image.run(args, options), 0, "pull");
    assertStatus(image.run(args, options), 0, "a restarted container");
    for (const [name, content] of Object.entries(FOLDER)) {
      assert.equal(await readFile(join(models, "bert", name), "utf8"), content);
    }
  },
);
