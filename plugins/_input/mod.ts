/** What users hand in as small files. */

export { type FileContent, named, type NamedBytes, readFiles } from "./files.ts";
export { type PemBlock, pemBlocks } from "./pem.ts";
export { readCapped } from "./read_capped.ts";
export { type Input, type InputOptions, readInput, STDIN } from "./read_input.ts";
