/** The suite for witnesses, with an authority on loopback. */

import { test } from "node:test";
import { witnessContract } from "../../../core/contract/mod.ts";
import { timestampWitness } from "../../../plugins/_timestamp/mod.ts";
import { Pki } from "../../support/pki.ts";
import { TsaServer } from "../../support/tsa_server.ts";
import { reply, tsaCertificate } from "../_rfc3161/_authority.ts";

for (const [index, { name }] of witnessContract(() => Promise.reject()).entries()) {
  test(`timestampWitness(): ${name}`, async () => {
    using pki = new Pki();
    const authority = tsaCertificate(pki, pki.root());
    await using server = await TsaServer.start((query) => reply(pki, authority, query));
    const open = () => Promise.resolve(timestampWitness({ url: server.url }));
    await witnessContract(open)[index]!.run();
  });
}
