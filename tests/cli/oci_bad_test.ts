/** What goes wrong with registries: a clear error, an exit status, and nothing half-attached. */

import assert from "node:assert/strict";
import { lstat } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { encode, sha256 } from "../support/bundles.ts";
import type { Fault } from "../oci/faults.ts";
import { LAYERS, ociDesk, signing, verifying, writeFolder } from "../support/oci_cli.ts";
import { MANIFEST_TYPE, manifestOf } from "../support/oci_manifests.ts";
import { CONFIG, pushModel, REPOSITORY } from "../support/oci_push.ts";
import { assertFault, assertRejected, assertStatus, assertVerdict } from "../support/outcome.ts";
import { startTestRegistry, type TestRegistry } from "../support/registry.ts";
import { reportOf } from "../support/report.ts";
import { snapshot } from "../support/snapshot.ts";

function at(registry: TestRegistry): string {
  return `oci://${registry.host}/${REPOSITORY}:v1`;
}

/** Short only where something is waited for in vain: on a busy machine, a right answer takes its time. */
function patience(kind: Fault["kind"] | undefined): readonly string[] {
  return kind === "hang" || kind === "stall" ? ["--timeout", "2s"] : [];
}

/** Answers as a proxy gives them that has no idea of registries. */
const HTML: Partial<Fault> = {
  kind: "status",
  status: 200,
  headers: { "content-type": "text/html" },
  body: "<!doctype html><title>Log in</title>",
};

/** What a registry can do to the request for a manifest, and what is said of it. */
const MANIFEST_FAULTS: readonly (readonly [string, Partial<Fault>, string])[] = [
  ["404", { kind: "status", status: 404, body: "{}" }, "OCI_NOT_FOUND"],
  ["403", { kind: "status", status: 403, body: "" }, "OCI_UNAUTHORIZED"],
  [
    "401 without a challenge",
    { kind: "status", status: 401, body: "" },
    "OCI_UNAUTHORIZED",
  ],
  ["429", { kind: "status", status: 429, headers: { "retry-after": "0" } }, "NETWORK_STATUS"],
  ["500", { kind: "status", status: 500 }, "NETWORK_STATUS"],
  ["HTML", HTML, "OCI_MANIFEST"],
  ["no JSON", { kind: "status", status: 200, body: "{" }, "OCI_MANIFEST"],
  ["a list", { kind: "status", status: 200, body: "[]" }, "OCI_MANIFEST"],
  ["a closed connection", { kind: "close" }, "NETWORK_UNREACHABLE"],
  ["half of it", { kind: "truncated" }, "NETWORK_RESPONSE"],
  ["another byte", { kind: "altered" }, "OCI_DIGEST_MISMATCH"],
  ["another digest", { kind: "wrong-header" }, "OCI_DIGEST_MISMATCH"],
  ["a body without end", { kind: "endless" }, "OCI_MANIFEST"],
  ["nothing", { kind: "hang" }, "NETWORK_TIMEOUT"],
  ["nothing after the first byte", { kind: "stall" }, "NETWORK_TIMEOUT"],
  [
    "redirects in a circle",
    { kind: "status", status: 307, headers: { location: `/v2/${REPOSITORY}/manifests/v1` } },
    "NETWORK_RESPONSE",
  ],
];

for (const [index, [what, fault, code]] of MANIFEST_FAULTS.entries()) {
  // Both open a model in the same way.
  const [verb, argsOf] = index % 2 === 0
    ? ["sign", signing] as const
    : ["verify", verifying] as const;
  test(`a registry that answers with ${what} ends ${verb} with ${code}`, async () => {
    await using registry = await startTestRegistry();
    await using desk = await ociDesk();
    await pushModel(registry.host, { layers: LAYERS });
    await registry.fault({ part: "manifests", method: "GET", ...fault } as Fault);
    const before = snapshot(desk.path);
    const outcome = await desk.run([...argsOf(at(registry)), ...patience(fault.kind)]);
    assertFault(outcome, 3, code);
    assert.equal(outcome.stdout, "");
    assert.doesNotMatch(outcome.stderr, /doctype/);
    assert.deepEqual(snapshot(desk.path), before);
    assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
  });
}

test("sign asks whether it may push before it signs", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  await registry.fault({ part: "uploads", kind: "status", status: 403 });
  const outcome = await desk.run([...signing(at(registry)), "--log-level", "debug"]);
  assertFault(outcome, 3, "OCI_UNAUTHORIZED");
  assert.doesNotMatch(outcome.stderr, /sign\.signature/);
});

/** Longer than what a stream gives at a time, so that shards of it are read apart. */
const SIGNED = "a".repeat(1_500_000);
const EVIL = `EVIL${SIGNED.slice(4)}`;

for (const how of [["--shard-size", "500000"], ["--hash-algorithm", "blake3"]]) {
  test(`layers that are another content each time they are read are not verified, with ${how[0]}`, async () => {
    await using registry = await startTestRegistry();
    await using desk = await ociDesk();
    await writeFolder(desk, "signed", { "weights.bin": SIGNED, "config.json": CONFIG });
    assertStatus(await desk.run(signing("signed", ...how, "--signature", "m.sig")), 0, "sign");
    const layers = [{ content: EVIL, title: "weights.bin" }, {
      content: CONFIG,
      title: "config.json",
    }];
    await pushModel(registry.host, { layers });
    const digest = `sha256:${sha256(EVIL)}`;
    const args = verifying(at(registry), "--signature", "m.sig", "--deep", "--pull", "out");
    for (const contents of [[SIGNED, SIGNED, SIGNED, EVIL], [SIGNED, EVIL], [SIGNED]]) {
      await registry.lie(digest, contents);
      const outcome = await desk.run(args);
      assertRejected(outcome, ["ENTRY_DIGEST"]);
      await assert.rejects(lstat(join(desk.path, "out")), { code: "ENOENT" });
    }
  });

  test(`layers that are another content each time they are read are not signed, with ${how[0]}`, async () => {
    await using registry = await startTestRegistry();
    await using desk = await ociDesk();
    await pushModel(registry.host, { layers: [{ content: SIGNED, title: "weights.bin" }] });
    const digest = `sha256:${sha256(SIGNED)}`;
    for (const contents of [[EVIL, SIGNED], [EVIL]]) {
      await registry.lie(digest, contents);
      const outcome = await desk.run(
        signing(at(registry), "--deep", ...how, "--signature", "m.sig"),
      );
      assertFault(outcome, 3, "MODEL_REFUSED");
      assert.match(outcome.stderr, /ENTRY_DIGEST/);
    }
    await registry.lie(digest, [SIGNED]);
    assertStatus(
      await desk.run(signing(at(registry), "--deep", ...how, "--signature", "m.sig")),
      0,
      "sign",
    );
  });
}

test("a registry that nobody runs ends with NETWORK_UNREACHABLE", async () => {
  await using desk = await ociDesk();
  // A port that was free a moment ago.
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  const model = `oci://127.0.0.1:${port}/m:v1`;
  for (const args of [signing(model), verifying(model), ["discover", model]]) {
    assertFault(await desk.run(args), 3, "NETWORK_UNREACHABLE");
  }
});

test("a registry that is busy for a moment is asked again", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  const headers = { "retry-after": "0" };
  const busy = { kind: "status", status: 429, headers, count: 1 } as const;
  for (const part of ["manifests", "blobs", "referrers"] as const) {
    await registry.fault({ part, ...busy });
  }
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  await registry.fault({ part: "referrers", kind: "status", status: 503, headers, count: 1 });
  assertStatus(await desk.run(verifying(at(registry))), 0, "verify");
});

test("a registry that does not list its referrers is an outage, and no model without a signature", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry))), 0, "sign");
  for (
    const [fault, code] of [
      [{ kind: "status", status: 500 }, "NETWORK_STATUS"],
      [{ kind: "status", status: 403 }, "OCI_UNAUTHORIZED"],
      [HTML, "OCI_MANIFEST"],
      [{ kind: "endless" }, "NETWORK_RESPONSE"],
    ] as const
  ) {
    await registry.forget();
    await registry.fault({ part: "referrers", ...fault } as Fault);
    const outcome = await desk.run(verifying(at(registry)));
    assertFault(outcome, 3, code);
    assert.equal(outcome.stdout, "");
  }
  // The same of the index that stands for the list.
  await registry.forget();
  await registry.behave({ referrersApi: false });
  await registry.fault({ part: "index", kind: "status", status: 500 });
  assertFault(await desk.run(verifying(at(registry))), 3, "NETWORK_STATUS");
});

for (
  const [kind, verdict, status, codes] of [
    ["altered", "rejected", 1, ["ENTRY_DIGEST"]],
    ["longer", "rejected", 1, ["ENTRY_DIGEST"]],
    ["endless", "rejected", 1, ["ENTRY_DIGEST"]],
    ["truncated", "inconclusive", 3, ["ENTRY_UNREADABLE"]],
    ["stall", "inconclusive", 3, ["ENTRY_UNREADABLE"]],
    ["status", "inconclusive", 3, ["ENTRY_UNREADABLE"]],
  ] as const
) {
  test(`verify --deep of layers that come ${kind} is ${verdict}`, async () => {
    await using registry = await startTestRegistry();
    await using desk = await ociDesk();
    await pushModel(registry.host, { layers: LAYERS });
    assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
    await registry.fault({ part: "blobs", method: "GET", kind, status: 403 });
    const deep = ["--deep", ...patience(kind)];
    const outcome = await desk.run(verifying(at(registry), "--signature", "m.sig", ...deep));
    assertVerdict(outcome, verdict, status, codes);
    reportOf(outcome);
    const sign = await desk.run(signing(at(registry), ...deep));
    assertFault(sign, 3, "MODEL_REFUSED");
    assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
  });
}

test("a layer that the registry has lost is missing", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  await pushModel(registry.host, { layers: LAYERS });
  assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
  await registry.fault({ part: "blobs", method: "GET", kind: "status", status: 404 });
  const outcome = await desk.run(verifying(at(registry), "--signature", "m.sig", "--deep"));
  assertRejected(outcome, ["FILE_MISSING"]);
});

for (const referrersApi of [true, false]) {
  const how = referrersApi ? "the referrers API" : "the tag fallback";
  for (
    const [what, fault] of [
      ["blob", { part: "uploads", method: "PUT" }],
      ["place for uploads", { part: "uploads", method: "POST" }],
      ["manifest", { part: "manifests", method: "PUT" }],
      ...(referrersApi ? [] : [["list of referrers", { part: "index", method: "PUT" }]] as const),
    ] as const
  ) {
    test(`a failed attach by ${how} leaves no signature and no tag: ${what}`, async () => {
      await using registry = await startTestRegistry();
      await registry.behave({ referrersApi });
      await using desk = await ociDesk();
      await pushModel(registry.host, { layers: LAYERS });
      assertStatus(await desk.run(signing(at(registry), "--signature", "m.sig")), 0, "sign");
      for (
        const [status, code, args] of [
          [403, "OCI_UNAUTHORIZED", signing(at(registry))],
          [429, "NETWORK_STATUS", ["attach", at(registry), "--signature", "m.sig"]],
        ] as const
      ) {
        await registry.fault({ ...fault, kind: "status", status, headers: { "retry-after": "0" } });
        const outcome = await desk.run(args);
        assertFault(outcome, 3, code);
        assert.equal(outcome.stdout, "");
        await registry.forget();
      }
      assert.deepEqual(await registry.tags(REPOSITORY), ["v1"]);
      // What was pushed before it failed is not found when the model is verified.
      assertRejected(await desk.run(verifying(at(registry))), ["SIGNATURE_MISSING"]);
      // And it can be done later.
      assertStatus(await desk.run(signing(at(registry))), 0, "again");
      assertStatus(await desk.run(verifying(at(registry))), 0, "verify");
    });
  }
}

test("a manifest that cannot be signed is refused in a registry, too", async () => {
  await using registry = await startTestRegistry();
  await using desk = await ociDesk();
  const good = manifestOf(LAYERS, CONFIG);
  for (
    const [tag, manifest, code] of [
      ["empty", { ...good, layers: [] }, "MODEL_EMPTY"],
      ["version", { ...good, schemaVersion: 1 }, "OCI_MANIFEST"],
      ["digest", { ...good, config: { ...good.config, digest: "sha256:00" } }, "OCI_MANIFEST"],
      ["titles", manifestOf([{ content: "a", title: "../a" }]), "MODEL_REFUSED"],
      ["absolute", manifestOf([{ content: "a", title: "/a" }]), "MODEL_REFUSED"],
      ["nul", manifestOf([{ content: "a", title: "a\0" }]), "MODEL_REFUSED"],
    ] as const
  ) {
    await registry.put(REPOSITORY, tag, MANIFEST_TYPE, encode(manifest));
    const model = `oci://${registry.host}/${REPOSITORY}:${tag}`;
    assertFault(await desk.run(signing(model)), 3, code);
    const pull = await desk.run(verifying(model, "--pull", "pulled"));
    // Nobody could sign it, so there is no signature.
    if (code === "MODEL_REFUSED") assertRejected(pull, ["SIGNATURE_MISSING"]);
    else assertFault(pull, 3, code);
  }
  assert.deepEqual(
    await registry.tags(REPOSITORY),
    ["empty", "version", "digest", "titles", "absolute", "nul"],
  );
});
