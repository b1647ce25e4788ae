import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { openOciModel } from "../../../plugins/oci/open_model.ts";
import { hasherFactory } from "../../../plugins/hash/mod.ts";
import { CONFIG } from "../../support/oci_push.ts";
import { layerOf, manifestOf } from "../../support/oci_manifests.ts";
import { workbench } from "../../support/workbench.ts";
import { pullAll } from "../../support/oci_pull.ts";

test("a pull that fails ends the other requests, also those without an answer", async () => {
  await using bench = await workbench();
  const [absent, silent] = ["absent", "silent"].map((title) => layerOf({ content: title, title }));
  const layers = [absent!, silent!];
  const manifest = JSON.stringify({ ...manifestOf([], CONFIG), layers });
  const asked = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const server = createServer(async ({ url = "", socket }, response) => {
    if (url.includes("/manifests/")) {
      return response.setHeader("content-type", JSON.parse(manifest).mediaType).end(manifest);
    }
    if (url.includes(silent!.digest)) {
      socket.on("close", () => ended.resolve());
      return asked.resolve();
    }
    await asked.promise;
    response.writeHead(404).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const { port } = server.address() as AddressInfo;
    const model = await openOciModel(`oci://127.0.0.1:${port}/m:v1`);
    const before = readdirSync(bench.path);
    const hasher = hasherFactory({ jobs: 2 });
    const pulling = pullAll(model, { folder: join(bench.path, "pulled"), hasher }, {});
    await assert.rejects(pulling, { code: "OCI_NOT_FOUND" });
    await ended.promise;
    assert.deepEqual(readdirSync(bench.path), before);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
