import assert from "node:assert/strict";
import { test } from "node:test";
import { withoutCredentials } from "../../cli/redact.ts";

test("withoutCredentials() takes user names, passwords and tokens out, and nothing else", () => {
  const hidden = [
    "oci://user:hunter2@registry.example.com/models/bert:v1",
    "oci://hunter2@registry/x@sha256:0",
    "https://a@hunter2@host",
    "eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQ.hunter2",
  ];
  for (const text of hidden) assert.ok(!withoutCredentials(text).includes("hunter2"), text);
  const kept = ["model", "a@b", "oci://registry/x@sha256:0", "oci-layout:p@q", "./oci://u@h"];
  for (const text of kept) assert.equal(withoutCredentials(text), text);
});
