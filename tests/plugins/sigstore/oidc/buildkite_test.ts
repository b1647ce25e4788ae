import assert from "node:assert/strict";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { delimiter, join, relative } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { ambient } from "./_ambient.ts";
import { type Folder, folder } from "./_folder.ts";
import { fault, jwt } from "./_token.ts";

/** Writes an agent: a shell script. */
async function agent(place: Folder, script: string, name: string = "."): Promise<string> {
  await mkdir(place.at(name), { recursive: true });
  const file = join(place.at(name), "buildkite-agent");
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return place.at(name);
}

test("ambientToken() asks the Buildkite agent without a shell, with the job's variables", async () => {
  await using place = await folder();
  const text = jwt({ aud: "two words; $(touch x)" });
  const record = place.at("asked");
  const PATH = await agent(
    place,
    `for each in "$@" "$BUILDKITE_JOB_ID"; do echo "$each"; done > '${record}'\necho ${text}`,
  );
  const source = ambient(
    { BUILDKITE: "true", BUILDKITE_JOB_ID: "job-7", PATH },
    {},
    "two words; $(touch x)",
  );
  assert.equal((await source.token({})).token.reveal(), text);
  const asked = (await readFile(record, "utf8")).trimEnd().split("\n");
  assert.deepEqual(asked, [
    "oidc",
    "request-token",
    "--audience",
    "two words; $(touch x)",
    "job-7",
  ]);
});

test("ambientToken() runs no Buildkite agent from the current folder", async () => {
  await using place = await folder();
  await agent(place, `touch '${place.at("run")}'\necho ${jwt()}`);
  const PATH = ["", ".", relative(process.cwd(), place.at("."))].join(delimiter);
  await fault("TOKEN_UNAVAILABLE", () => ambient({ BUILDKITE: "true", PATH }).token({}));
  await fault("TOKEN_UNAVAILABLE", () => ambient({ BUILDKITE: "true" }).token({}));
  const back = process.cwd();
  process.chdir(place.at("."));
  try {
    const here = ambient({ BUILDKITE: "true", PATH: place.at(".") });
    await fault("TOKEN_UNAVAILABLE", () => here.token({}));
  } finally {
    process.chdir(back);
  }
  await assert.rejects(stat(place.at("run")));
});

test("ambientToken() skips what is called like the Buildkite agent and is no program", async () => {
  await using place = await folder();
  await mkdir(place.at("folder/buildkite-agent"), { recursive: true });
  await mkdir(place.at("text"));
  await writeFile(place.at("text/buildkite-agent"), "not executable");
  const text = jwt();
  const good = await agent(place, `echo ${text}`, "good");
  const PATH = [place.at("absent"), place.at("folder"), place.at("text"), good].join(delimiter);
  const { token } = await ambient({ BUILDKITE: "true", PATH }).token({});
  assert.equal(token.reveal(), text);
});

test("ambientToken() reports an agent that fails, and shows nothing of what it wrote", async () => {
  await using place = await folder();
  const text = jwt();
  const PATH = await agent(place, `echo ${text}\necho ${text} >&2\nexit 3`);
  await fault(
    "TOKEN_UNAVAILABLE",
    () => ambient({ BUILDKITE: "true", PATH }).token({}),
    text,
  );
});

test("ambientToken() reports an agent that cannot be run", async () => {
  await using place = await folder();
  const PATH = await agent(place, "");
  await writeFile(join(PATH, "buildkite-agent"), "#!/nonexistent/interpreter\n");
  await fault("TOKEN_UNAVAILABLE", () => ambient({ BUILDKITE: "true", PATH }).token({}));
});

test("ambientToken() stops an agent that writes too much", async () => {
  await using place = await folder();
  const PATH = await agent(place, "exec /bin/cat /dev/zero");
  await fault("TOKEN_UNAVAILABLE", () => ambient({ BUILDKITE: "true", PATH }).token({}));
});

test("ambientToken() stops an agent that does not end, also one that left its output to another", async () => {
  await using place = await folder();
  const text = jwt();
  for (const script of ["exec /bin/sleep 10", "/bin/sleep 10", `echo ${text}\n/bin/sleep 10`]) {
    const PATH = await agent(place, script);
    await fault(
      "NETWORK_TIMEOUT",
      () => ambient({ BUILDKITE: "true", PATH }).token({ timeout: 200 }),
      text,
    );
  }
});

test("ambientToken() stops the agent when the run is aborted", async () => {
  await using place = await folder();
  const PATH = await agent(place, "exec /bin/sleep 10");
  const abort = new AbortController();
  setTimeout(() => abort.abort(), 100);
  await fault(
    "ABORTED",
    () => ambient({ BUILDKITE: "true", PATH }).token({ signal: abort.signal }),
  );
});

test("ambientToken() refuses what the agent wrote when it is no token, and does not show it", async () => {
  await using place = await folder();
  const PATH = await agent(place, "echo secret-words-of-the-agent");
  await fault(
    "TOKEN_MALFORMED",
    () => ambient({ BUILDKITE: "true", PATH }).token({}),
    "secret-words-of-the-agent",
  );
});
