import assert from "node:assert/strict";
import { test } from "node:test";
import { ModelSigningError } from "../../../../core/errors.ts";
import { nobodyAnswered, within } from "../../../../plugins/sigstore/oidc/within.ts";

/** Calls of a method of every signal, while something runs. */
async function calls(
  method: "addEventListener" | "removeEventListener",
  run: () => Promise<unknown>,
): Promise<number> {
  const own = Object.getOwnPropertyDescriptor(AbortSignal.prototype, method);
  const original = AbortSignal.prototype[method];
  let count = 0;
  AbortSignal.prototype[method] = function (this: AbortSignal, ...given: unknown[]) {
    count++;
    return Reflect.apply(original, this, given);
  };
  try {
    await run();
  } finally {
    if (own) Object.defineProperty(AbortSignal.prototype, method, own);
    else Reflect.deleteProperty(AbortSignal.prototype, method);
  }
  return count;
}

test("within() leaves no listener behind, however the step ends", async () => {
  const steps = [
    () => Promise.resolve("answer"),
    () => Promise.reject(new Error("failed")),
    () => {
      throw new Error("failed at once");
    },
  ];
  for (const step of steps) {
    const run = () => within<string>(step, nobodyAnswered, {}).catch(() => {});
    assert.equal(await calls("addEventListener", run), 1);
    assert.equal(await calls("removeEventListener", run), 1);
  }
});

test("within() waits no longer than the options say, and no longer than the run lasts", async () => {
  const endless = () => new Promise<never>(() => {});
  await assert.rejects(within(endless, nobodyAnswered, { timeout: 10 }), (error) => {
    assert.ok(error instanceof ModelSigningError);
    assert.equal(error.message, "nobody signed in within 0.01 s");
    return true;
  });
  const abort = new AbortController();
  const waiting = within(endless, nobodyAnswered, { signal: abort.signal });
  abort.abort();
  await assert.rejects(waiting, { code: "ABORTED" });
  await assert.rejects(within(endless, nobodyAnswered, { signal: abort.signal }), {
    code: "ABORTED",
  });
});
