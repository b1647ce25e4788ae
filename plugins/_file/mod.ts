/** Files on this machine as entries of a model. */

export { FileEntry, type FileFacts, locationOf } from "./file_entry.ts";
