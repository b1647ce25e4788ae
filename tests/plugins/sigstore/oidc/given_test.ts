import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { open, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { givenToken } from "../../../../plugins/sigstore/oidc/mod.ts";
import { folder } from "./_folder.ts";
import { fault, jwt, secret } from "./_token.ts";

const AUDIENCE = "sigstore";

test("givenToken() takes the text itself", async () => {
  const text = jwt();
  const source = givenToken(secret(text), AUDIENCE);
  assert.equal(source.kind, "given");
  assert.equal((await source.token({})).token.reveal(), text);
});

test("givenToken() leaves space around the text out", async () => {
  const text = jwt();
  assert.equal((await givenToken(secret(`${text}\n`), AUDIENCE).token({})).token.reveal(), text);
});

test("givenToken() reads a file after @, without the newline at its end", async () => {
  await using place = await folder();
  const text = jwt();
  for (const end of ["", "\n", "\r\n"]) {
    await writeFile(place.at("token"), text + end);
    const { token } = await givenToken(secret(`@${place.at("token")}`), AUDIENCE).token({});
    assert.equal(token.reveal(), text);
  }
});

test("givenToken() checks audience and expiry, and shows no token", async () => {
  for (
    const [code, text] of [
      ["TOKEN_AUDIENCE", jwt({ aud: "other" })],
      ["TOKEN_EXPIRED", jwt({ exp: 1 })],
      ["TOKEN_MALFORMED", "not a token at all"],
    ] as const
  ) {
    const source = givenToken(secret(text), AUDIENCE);
    await fault(code, () => source.token({}), text);
  }
});

test("givenToken() reports a file that is not there, is a folder, or is empty", async () => {
  await using place = await folder();
  const read = (path: string) => givenToken(secret(`@${path}`), AUDIENCE).token({});
  await fault("FILE_UNREADABLE", () => read(place.at("absent")));
  await fault("FILE_UNREADABLE", () => read(place.at("")));
  await fault("FILE_UNREADABLE", () => read(""));
  await writeFile(place.at("empty"), "");
  await fault("TOKEN_MALFORMED", () => read(place.at("empty")));
});

test("givenToken() does not take a token after @ for a path, and does not show it", async () => {
  const text = jwt();
  await fault("TOKEN_MALFORMED", () => givenToken(secret(`@${text}`), AUDIENCE).token({}), text);
});

test("givenToken() refuses a file that is too large, and reads no more of it than allowed", async () => {
  await using place = await folder();
  await writeFile(place.at("large"), jwt({ more: "x".repeat(70_000) }));
  await fault(
    "FILE_UNREADABLE",
    () => givenToken(secret(`@${place.at("large")}`), AUDIENCE).token({}),
  );
  await fault("FILE_UNREADABLE", () => givenToken(secret("@/dev/zero"), AUDIENCE).token({}));
});

test("givenToken() waits for a pipe's writer, who may pause, and reads it once", async () => {
  await using place = await folder();
  const text = jwt();
  const pipe = place.at("pipe");
  execFileSync("mkfifo", [pipe]);
  const source = givenToken(secret(`@${pipe}`), AUDIENCE);
  const [{ token }] = await Promise.all([source.token({ timeout: 30_000 }), write(pipe, text)]);
  assert.equal(token.reveal(), text);
  assert.equal((await source.token({ timeout: 1 })).token.reveal(), text);
});

test("givenToken() gives up on a pipe that nobody writes", async () => {
  await using place = await folder();
  execFileSync("mkfifo", [place.at("pipe")]);
  const source = givenToken(secret(`@${place.at("pipe")}`), AUDIENCE);
  await fault("FILE_UNREADABLE", () => source.token({ timeout: 100 }));
});

test("givenToken() gives up on a pipe whose writer never ends", async () => {
  await using place = await folder();
  const text = jwt();
  execFileSync("mkfifo", [place.at("pipe")]);
  const source = givenToken(secret(`@${place.at("pipe")}`), AUDIENCE);
  const reading = fault("FILE_UNREADABLE", () => source.token({ timeout: 500 }), text);
  await using writer = await open(place.at("pipe"), "w");
  await writer.write(text);
  await reading;
});

test("givenToken() stops waiting for a pipe when the run is aborted", async () => {
  await using place = await folder();
  execFileSync("mkfifo", [place.at("pipe")]);
  const source = givenToken(secret(`@${place.at("pipe")}`), AUDIENCE);
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 50);
  await fault("ABORTED", () => source.token({ signal: abort.signal }));
});

async function write(pipe: string, text: string): Promise<void> {
  await using file = await open(pipe, "w");
  const middle = text.length / 2;
  await file.write(text.slice(0, middle));
  await new Promise((resolve) => setTimeout(resolve, 60));
  await file.write(text.slice(middle));
}
