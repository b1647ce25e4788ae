/**
 * A whole release, checked: `deno task release:check`. It is built twice from copies of the source in two places; what
 * runs on this machine is run, the rest is taken apart. `MODEL_SIGNING_RELEASE_PLATFORMS` limits it to some platforms.
 */

import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { after, test } from "node:test";
import { sha256OfFile } from "../../cli/build/checksums.ts";
import { adHocSignatureFault } from "../../cli/build/code_signature.ts";
import { readElf } from "../../cli/build/elf.ts";
import { readPe } from "../../cli/build/pe.ts";
import type { Platform } from "../../cli/build/platforms.ts";
import { CHECKSUMS, SIGNATURE } from "../../cli/build/release.ts";
import { cli, sourceCommand } from "../support/cli.ts";
import { leftOutTest, optionalTest } from "../support/left_out.ts";
import { assertStatus, outcomeOf } from "../support/outcome.ts";
import { builtRelease, checkedPlatforms } from "./built_release.ts";
import { cycloneDxErrors } from "./cyclonedx.ts";
import { fetchLibraries, libraryFolders } from "./libraries.ts";
import { signAndVerify, usesNativeBlake3, writeModel } from "./machine.ts";
import { makeRoot, whyNoRoot } from "./root.ts";
import { whyNoWine, wineMachine } from "./wine.ts";

/** Where this machine keeps the libraries of glibc. */
const HOST_FOLDERS = ["x86_64", "aarch64"].flatMap((machine) => [
  ...["/lib64", "/usr/lib64", "/lib"],
  ...[`/lib/${machine}-linux-gnu`, `/usr/lib/${machine}-linux-gnu`],
]);

/** What the documentation says that a Linux needs. */
const LIBRARIES = {
  glibc: ["libc.so.6", "libdl.so.2", "libm.so.6", "libpthread.so.0"],
  musl: ["libstdc++.so.6"],
} as const;

const release = builtRelease();
after(() => release[Symbol.dispose]());

let libraries: string | undefined;
after(() => libraries && rmSync(libraries, { recursive: true, force: true }));

const bill = readdirSync(release.folder).find((name) => name.endsWith(".cdx.json"))!;

test("the release holds the binaries of its platforms, a bill of materials, checksums and a signature", () => {
  const wanted = [...release.platforms.map(({ file }) => file), bill, CHECKSUMS, SIGNATURE];
  assert.deepEqual(readdirSync(release.folder).sort(), wanted.sort());
});

test("SHA256SUMS lists every other file, and sha256sum finds it right", () => {
  const names = readdirSync(release.folder).filter((name) =>
    name !== CHECKSUMS && name !== SIGNATURE
  );
  const lines = readFileSync(join(release.folder, CHECKSUMS), "utf8").trimEnd().split("\n");
  assert.deepEqual(lines.map((line) => line.split("  ")[1]), names.sort());
  const command = ["sha256sum", "--check", "--strict", CHECKSUMS];
  assertStatus(outcomeOf(command, { cwd: release.folder }), 0, CHECKSUMS);
});

test("the release's signature verifies, and no longer when a byte of a binary is another one", async () => {
  const verify = () =>
    cli(
      [
        ...["verify", "key", release.folder, "--public-key", release.publicKey],
        ...["--signature", join(release.folder, SIGNATURE), "--no-progress"],
      ],
      { program: sourceCommand("cli/main.ts") },
    );
  assertStatus(await verify(), 0, "the release");
  const file = join(release.folder, release.platforms[0]!.file);
  const content = readFileSync(file);
  const changed = Uint8Array.from(content);
  changed[changed.length >> 1]! ^= 1;
  writeFileSync(file, changed);
  try {
    assertStatus(await verify(), 1, "the changed release");
  } finally {
    writeFileSync(file, content);
  }
});

test("the bill of materials passes the schema of CycloneDX 1.6, and names every file and package", () => {
  const text = readFileSync(join(release.folder, bill), "utf8");
  const document = JSON.parse(text);
  assert.deepEqual(cycloneDxErrors(document), []);
  assert.notDeepEqual(cycloneDxErrors({ ...document, specVersion: 16 }), []);
  const references = document.components.map((part: { readonly "bom-ref": string }) =>
    part["bom-ref"]
  );
  for (const { file, addon, runtime } of release.platforms) {
    const { dependsOn } = document.dependencies.find((edge: { readonly ref: string }) =>
      edge.ref === `file:${file}`
    );
    assert.equal(dependsOn.filter((purl: string) => purl.includes("blake-hash")).length, 1, file);
    for (const name of [addon, runtime.package]) {
      const purl = `pkg:npm/${name.replace("@", "%40")}@`;
      assert.ok(references.some((reference: string) => reference.startsWith(purl)), purl);
    }
  }
  assert.ok(!text.includes("opentelemetry"), "the plain binary has no tracing");
});

test("the same source in another folder gives the same bytes", () => {
  const again = release.again();
  for (const name of [...release.platforms.map(({ file }) => file), bill, CHECKSUMS]) {
    assert.equal(sha256OfFile(join(again, name)), sha256OfFile(join(release.folder, name)), name);
  }
  rmSync(again, { recursive: true });
});

const own = checkedPlatforms().find(({ os, architecture, libc }) =>
  os === process.platform && architecture === process.arch && libc !== "musl"
);
if (own) {
  test("the binary that is compiled for this machine is that of the release", () => {
    assert.equal(sha256OfFile(release.compiled()), sha256OfFile(join(release.folder, own.file)));
  });
}

for (const platform of checkedPlatforms()) {
  const { name, os, libc, file } = platform;
  if (os === "linux") {
    test(`${name} needs the libraries that the documentation names`, () => {
      const { libraries, interpreter } = readElf(readFileSync(join(release.folder, file)));
      const own = libraries.filter((library) => !/^(?:ld-|libc\.musl-)/.test(library));
      assert.deepEqual(own.sort(), LIBRARIES[libc!], interpreter);
    });
    rootTest(platform);
  } else if (os === "darwin") {
    test(`${name} has an ad-hoc signature over every page`, () => {
      const content = readFileSync(join(release.folder, file));
      assert.equal(adHocSignatureFault(content), undefined);
      content[content.length >> 2]! ^= 1;
      assert.notEqual(adHocSignatureFault(content), undefined);
    });
  } else {
    test(`${name} is a console program without a stale signature`, () => {
      const pe = readPe(readFileSync(join(release.folder, file)));
      assert.deepEqual(pe, { architecture: platform.architecture, console: true, signed: false });
    });
    if (platform.architecture === "x64") wineTest(platform);
  }
}

/** The test that runs a binary for Linux. */
function rootTest(platform: Platform): void {
  const title = `${platform.name} signs and verifies where there is nothing but its libraries`;
  const reason = whyNoRoot(platform);
  if (reason !== undefined) return leftOutTest(title, reason);
  test(title, () =>
    inFolder((folder) => {
      const binary = join(release.folder, platform.file);
      const root = makeRoot(folder, binary, platform, foldersOf(platform));
      writeModel(root);
      // The native addon is linked with libgcc; without that WebAssembly takes over.
      assert.equal(usesNativeBlake3(root), false);
      root.add("libgcc_s.so.1");
      assert.equal(usesNativeBlake3(root), true);
      signAndVerify(root);
    }));
}

/** The test that runs the binary for Windows on x64. */
function wineTest({ name, file }: Platform): void {
  const title = `${name} signs and verifies in Wine`;
  const reason = whyNoWine();
  if (reason !== undefined) return optionalTest(title, reason);
  test(title, () =>
    inFolder((folder) => {
      using machine = wineMachine(folder, join(release.folder, file));
      writeModel(machine);
      // Wine 8 has no path of the kind by which Bun unpacks the addon: WebAssembly takes over.
      usesNativeBlake3(machine);
      signAndVerify(machine);
    }));
}

function inFolder(body: (folder: string) => void): void {
  const folder = mkdtempSync(join(tmpdir(), "model-signing-machine-"));
  try {
    body(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Where the libraries of a platform are; those of other systems are fetched once. */
function foldersOf(platform: Platform): readonly string[] {
  if (platform.libc === "glibc" && platform.architecture === process.arch) return HOST_FOLDERS;
  if (libraries === undefined) {
    libraries = mkdtempSync(join(tmpdir(), "model-signing-libraries-"));
    fetchLibraries(libraries);
  }
  return libraryFolders(libraries, platform);
}
