import assert from "node:assert/strict";
import { posix, win32 } from "node:path";
import { test } from "node:test";
import {
  absolutePath,
  components,
  isRooted,
  join,
  listedName,
  nameInside,
} from "../../../plugins/fs/paths.ts";

test("components() drops the root, empty components and dots", () => {
  assert.deepEqual(components("./a//b/./c/", posix), ["a", "b", "c"]);
  assert.deepEqual(components("/a/../b", posix), ["a", "..", "b"]);
  assert.deepEqual(components("/", posix), []);
});

test("components() splits at backslashes on Windows only", () => {
  assert.deepEqual(components("a\\b/c", win32), ["a", "b", "c"]);
  assert.deepEqual(components("a\\b/c", posix), ["a\\b", "c"]);
  assert.deepEqual(components("C:\\a\\b", win32), ["a", "b"]);
  assert.deepEqual(components("\\\\server\\share\\a", win32), ["a"]);
});

test("isRooted() knows drives, shares and drive-relative paths", () => {
  for (const path of ["C:\\a", "c:a", "\\a", "/a", "\\\\server\\share\\a"]) {
    assert.equal(isRooted(path, win32), true, path);
  }
  for (const path of ["a", ".\\a", "..\\a"]) assert.equal(isRooted(path, win32), false, path);
  assert.equal(isRooted("/a", posix), true);
  for (const path of ["a", "./a", "C:\\a", "\\a"]) assert.equal(isRooted(path, posix), false, path);
});

test("absolutePath() leaves `..` to the system on POSIX", () => {
  assert.equal(absolutePath("link/../a", "/cwd", posix), "/cwd/link/../a");
  assert.equal(absolutePath("/x/../a", "/cwd", posix), "/x/../a");
  assert.equal(absolutePath("a", "/", posix), "/a");
});

test("absolutePath() resolves by Windows rules on Windows", () => {
  assert.equal(absolutePath("a/b", "C:\\cwd", win32), "C:\\cwd\\a\\b");
  assert.equal(absolutePath("..\\a", "C:\\cwd", win32), "C:\\a");
  assert.equal(absolutePath("\\a", "C:\\cwd", win32), "C:\\a");
  assert.equal(absolutePath("c:a", "C:\\cwd", win32).toLowerCase(), "c:\\cwd\\a");
  assert.equal(absolutePath("D:\\a", "C:\\cwd", win32), "D:\\a");
});

test("join() puts one separator after a root", () => {
  assert.equal(join("/", "a", posix), "/a");
  assert.equal(join("/m", "a", posix), "/m/a");
  assert.equal(join("C:\\", "a", win32), "C:\\a");
});

test("nameInside() tells inside, root and outside apart", () => {
  assert.equal(nameInside("/m", "/m/a/b", posix), "a/b");
  assert.equal(nameInside("/m", "/m", posix), "");
  assert.equal(nameInside("/", "/a", posix), "a");
  for (const path of ["/", "/model", "/x/m", "/M/a"]) {
    assert.equal(nameInside("/m", path, posix), undefined, path);
  }
  assert.equal(nameInside("/m", "/m/..a", posix), "..a");
  assert.equal(nameInside("/m", "/m/a\\b", posix), "a\\b");
});

test("nameInside() compares drives and shares without case", () => {
  assert.equal(nameInside("C:\\Models\\m", "c:\\models\\M\\Sub\\File", win32), "Sub/File");
  assert.equal(nameInside("C:\\m", "D:\\m\\a", win32), undefined);
  assert.equal(nameInside("C:\\", "c:\\a", win32), "a");
  assert.equal(nameInside("\\\\srv\\share\\m", "\\\\SRV\\Share\\m\\a\\b", win32), "a/b");
  assert.equal(nameInside("\\\\srv\\share\\m", "\\\\srv\\other\\m\\a", win32), undefined);
  assert.equal(nameInside("C:\\m", "C:\\model\\a", win32), undefined);
});

test("nameInside() sees through the prefix of long Windows paths", () => {
  assert.equal(nameInside("C:\\m", "\\\\?\\C:\\m\\a", win32), "a");
  assert.equal(nameInside("\\\\?\\C:\\m", "C:\\m\\a", win32), "a");
  assert.equal(nameInside("\\\\srv\\share\\m", "\\\\?\\UNC\\srv\\share\\m\\a", win32), "a");
});

test("listedName() finds another spelling only when the exact one is not there", () => {
  assert.equal(listedName(["README", "readme"], "readme"), "readme");
  assert.equal(listedName(["README"], "readme"), "README");
  assert.equal(listedName(["e\u0301"], "\u00e9"), "e\u0301");
  assert.equal(listedName(["a"], "b"), "b");
});
