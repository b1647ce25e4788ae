/** Models on disk with everything that two implementations could read differently. */

import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Contents by path. */
export type Tree = Readonly<Record<string, string | Uint8Array>>;

/**
 * Names that sort differently as strings, as path parts and as UTF-16 units; dot files, empty files, Unicode
 * in both normal forms, spaces, and git paths at the top and below.
 */
export const ROUGH_TREE: Tree = {
  "config.json": "{}",
  "empty.bin": "",
  ".hidden": "dot file",
  "onnx/w": "string order puts this after onnx-int8/w",
  "onnx-int8/w": "path order puts this after onnx/w",
  "a/b/c/deep.txt": "nested",
  "a.txt": "between a/ and a0",
  "b/w\u00e9ights.bin": "precomposed",
  "b/we\u0301ights.bin": "decomposed",
  "\u{1F916}/model.bin": "above U+FFFF",
  "\uFF21/model.bin": "below U+FFFF, and a larger UTF-16 unit than a surrogate",
  "with space/and, comma.txt": "space",
  "sub/.git/config": "not at the top, so it is signed",
  ".git/HEAD": "ref: refs/heads/main",
  ".gitignore": "*.tmp",
  ".gitattributes": "*.bin filter=lfs",
  ".github/workflows/ci.yml": "on: push",
};

/** Writes a tree below `root` and gives `root`. */
export function writeTree(root: string, tree: Tree): string {
  for (const [path, content] of Object.entries(tree)) {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
  return root;
}
