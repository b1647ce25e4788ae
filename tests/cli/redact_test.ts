import assert from "node:assert/strict";
import { test } from "node:test";
import { openLog } from "../../cli/log.ts";
import { withoutCredentials, withoutSecrets } from "../../cli/redact.ts";

test("withoutCredentials() takes user names, passwords and tokens out, and nothing else", () => {
  const hidden = [
    "oci://user:hunter2@registry.example.com/models/bert:v1",
    "oci://hunter2@registry/x@sha256:0",
    `oci://user:" hunter2@host`,
    "https://a@hunter2@host",
    "oci://ada:pa/hunter2@localhost:1/x",
    "oci://ada:1/hunter2/@b@localhost:1/x@sha256:0",
    "eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQ.hunter2",
  ];
  for (const text of hidden) assert.ok(!withoutCredentials(text).includes("hunter2"), text);
  const kept = ["model", "a@b", "oci://registry/x@sha256:0", "oci-layout:p@q", "./oci://u@h"];
  kept.push("oci://localhost:5000/x:tag@sha256:0", "https://h:1/o/r/.github/w.yml@refs/tags/v1");
  for (const text of kept) assert.equal(withoutCredentials(text), text);
});

test("withoutSecrets() takes passwords and PINs out of a sentence, and nothing else", () => {
  const redacted = [
    [`model "https://a:hunter2@host/x" is not "b"`, `model "https://[redacted]@host/x" is not "b"`],
    [`"oci://a:pa/hunter2@host:1/x": "a@b"`, `"oci://[redacted]@host:1/x": "a@b"`],
    [`"oci://host:1/x@sha256:0" of a@b`, `"oci://host:1/x@sha256:0" of a@b`],
    [`"pkcs11:object=a?pin-value=hunter2&x=y"`, `"pkcs11:object=a?pin-value=[redacted]&x=y"`],
    ["see...https://a:hunter2@host", "see...https://[redacted]@host"],
    [`"${"x.".repeat(50)}y://a:hunter2@host"`, `"${"x.".repeat(50)}y://[redacted]@host"`],
    // Names may be long, and have a dot behind each letter.
    ["a.".repeat(500_000), "a.".repeat(500_000)],
    [`the signer is "joe@example.com"`, `the signer is "joe@example.com"`],
    [`"https://issuer" vouches for "a@b"`, `"https://issuer" vouches for "a@b"`],
  ] as const;
  for (const [text, expected] of redacted) assert.equal(withoutSecrets(text), expected);
});

test("openLog() writes no secret that somebody else put into a line", () => {
  for (const format of ["text", "json"]) {
    const lines: string[] = [];
    const { logger } = openLog({ "log-format": format }, (text) => lines.push(text));
    logger.log("warn", "plugin: Bearer eyJhbGciOiJub25lIn0.eyJodW50ZXIyIjoxfQ.hunter2", {
      url: "https://a:hunter2@host",
    });
    assert.equal(lines.length, 1);
    assert.doesNotMatch(lines[0]!, /hunter2/);
  }
});
