/** Models on the file system: directories and single files. */

export { type FileSystemOptions, FileSystemSource, fileSystemSource } from "./source.ts";
export { fsPlugin } from "./plugin.ts";
