/** Key files, shared by the methods that sign with one. */

export { refusedCurve } from "./algorithm.ts";
export { loadPrivateKey, PRIVATE_KEY_OPTIONS } from "./load.ts";
export { readPrivateKey } from "./private_key.ts";
export { readPublicKey } from "./public_key.ts";
export { readCapped } from "./read_capped.ts";
export { type PemBlock, pemBlocks } from "./pem.ts";
export { type FileContent, named, type NamedBytes, readFiles } from "./files.ts";
