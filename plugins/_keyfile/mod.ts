/** Key files, shared by the methods that sign with one. */

export { loadPrivateKey, PRIVATE_KEY_OPTIONS } from "./load.ts";
export { readPrivateKey } from "./private_key.ts";
export { readPublicKey } from "./public_key.ts";
