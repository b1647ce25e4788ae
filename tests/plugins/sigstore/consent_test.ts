/** What is remembered of an agreement to publish, and where. */

import assert from "node:assert/strict";
import { existsSync, lstatSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { Interaction } from "../../../core/options.ts";
import { requireConsent } from "../../../plugins/sigstore/consent.ts";

const LOGS = [{ url: "https://log.example", majorApiVersion: 2, operator: "a" }];

/** Somebody who gives an answer, and the questions that were asked. */
function person(answer: boolean): { readonly interaction: Interaction; readonly asked: string[] } {
  const asked: string[] = [];
  const never = () => Promise.reject(new Error("not asked for"));
  const interaction: Interaction = {
    ...{ ask: never, askSecret: never, openBrowser: never, tell: () => {} },
    confirm: (question) => {
      asked.push(question);
      return Promise.resolve(answer);
    },
  };
  return { interaction, asked };
}

async function inFolder(act: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "model-signing-consent-"));
  try {
    await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("requireConsent() asks once for the same logs, and again for others", async () => {
  await inFolder(async (folder) => {
    const { interaction, asked } = person(true);
    for (let count = 0; count < 3; count++) {
      await requireConsent({ logs: LOGS }, folder, { interaction });
    }
    assert.equal(asked.length, 1);
    const more = [...LOGS, { url: "https://other.example", majorApiVersion: 2, operator: "b" }];
    await requireConsent({ logs: more }, folder, { interaction });
    assert.equal(asked.length, 2);
  });
});

test("requireConsent() remembers no refusal, and nothing without a folder", async () => {
  await inFolder(async (folder) => {
    const no = person(false);
    await assert.rejects(requireConsent({ logs: LOGS }, folder, no), { code: "ABORTED" });
    await assert.rejects(requireConsent({ logs: LOGS }, folder, no), { code: "ABORTED" });
    assert.equal(no.asked.length, 2);
    const yes = person(true);
    await requireConsent({ logs: LOGS }, undefined, yes);
    await requireConsent({ logs: LOGS }, undefined, yes);
    assert.equal(yes.asked.length, 2);
    await assert.rejects(requireConsent({ logs: LOGS }, folder, {}), {
      code: "INTERACTION_UNAVAILABLE",
    });
  });
});

test("requireConsent() writes through no link that stands in the record's place", async () => {
  await inFolder(async (folder) => {
    const cache = join(folder, "cache");
    await requireConsent({ logs: LOGS }, cache, person(true));
    const agreed = join(cache, "sigstore", "agreed");
    const [name] = await readdir(agreed);
    const [record, target] = [join(agreed, name!), join(folder, "target")];
    await rm(record);
    await mkdir(agreed, { recursive: true });
    await symlink(target, record);
    const { interaction, asked } = person(true);
    await requireConsent({ logs: LOGS }, cache, { interaction });
    assert.equal(asked.length, 1);
    assert.ok(!existsSync(target));
    assert.ok(lstatSync(record).isSymbolicLink());
  });
});
