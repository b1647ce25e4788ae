import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ModelSigningError,
  parsed,
  Refusal,
  systemCode,
  throwIfAborted,
} from "../../core/errors.ts";

test("parsed() turns a refusal into a finding and lets everything else through", () => {
  assert.deepEqual(parsed(() => 7), { ok: true, value: 7 });
  assert.deepEqual(
    parsed(() => {
      throw new Refusal("RESOURCE_NAME", "is odd", { path: "a", hint: "rename it" });
    }),
    {
      ok: false,
      issue: { code: "RESOURCE_NAME", message: "is odd", path: "a", hint: "rename it" },
    },
  );
  const fault = new ModelSigningError("USAGE", "x");
  assert.throws(
    () =>
      parsed(() => {
        throw fault;
      }),
    fault,
  );
});

test("ModelSigningError carries code, hint, findings and cause", () => {
  const cause = new Error("below");
  const issues = [{ code: "ENTRY_SYMLINK", message: "is a link" }] as const;
  const error = new ModelSigningError("MODEL_REFUSED", "no", { hint: "do", issues, cause });
  assert.ok(error instanceof Error);
  assert.deepEqual(
    [error.name, error.code, error.message, error.hint, error.issues, error.cause],
    ["ModelSigningError", "MODEL_REFUSED", "no", "do", issues, cause],
  );
  const bare = new ModelSigningError("USAGE", "no");
  assert.deepEqual([bare.hint, bare.issues, "cause" in bare], [undefined, [], false]);
});

test("throwIfAborted() throws ABORTED once the signal has fired, with the reason as cause", () => {
  throwIfAborted(undefined);
  throwIfAborted(new AbortController().signal);
  assert.throws(
    () => throwIfAborted(AbortSignal.abort("reason")),
    (error) =>
      error instanceof ModelSigningError && error.code === "ABORTED" && error.cause === "reason",
  );
});

test("systemCode() gives the operating system's code, for anything that was thrown", () => {
  assert.equal(systemCode(Object.assign(new Error("x"), { code: "EIO" })), "EIO");
  for (const other of [new Error("x"), undefined, null, 7, "text", { code: 7 }]) {
    assert.equal(systemCode(other), "unknown error");
  }
});
